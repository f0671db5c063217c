"""Backoff between Pods API streams, and the reasons why a stream ended."""

import threading
from pathlib import Path

import grpc
import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.podsapi.alarm import Alarm
from podres_exporter.podsapi.client import PodsApiClient, translate
from podres_exporter.podsapi.watch import PERMANENT_SECONDS, pause_seconds

CODES = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "detail", "reason"),
    [
        (CODES.UNAVAILABLE, "connect: No such file or directory", Reason.UNAVAILABLE),
        (CODES.UNAVAILABLE, "connect: Permission denied", Reason.DENIED),
        (CODES.FAILED_PRECONDITION, "PodsAPI feature gate is disabled", Reason.DISABLED),
        (CODES.FAILED_PRECONDITION, "pod sources are not ready", Reason.UNAVAILABLE),
        (CODES.UNIMPLEMENTED, "unknown service v1alpha1.Pods", Reason.UNIMPLEMENTED),
        (CODES.RESOURCE_EXHAUSTED, "watch client channel closed", Reason.THROTTLED),
        (CODES.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (9 vs. 4)", Reason.TOO_LARGE),
        (CODES.CANCELLED, "Channel closed!", Reason.UNAVAILABLE),
        (CODES.DEADLINE_EXCEEDED, "", Reason.TIMEOUT),
        (CODES.PERMISSION_DENIED, "", Reason.DENIED),
        (CODES.INTERNAL, "error marshalling watch event pod", Reason.INTERNAL),
        (CODES.UNKNOWN, "", Reason.INTERNAL),
    ],
)
def test_a_status_is_translated_once(code: grpc.StatusCode, detail: str, reason: Reason) -> None:
    """By the code, and by the text where one code means two things."""
    found, text = translate(code, detail)

    assert reason is found
    assert detail in text


def test_a_cut_stream_is_opened_again_at_once_and_then_after_longer_and_longer() -> None:
    """From a third of it to the whole, so that the exporters of all nodes get out of step."""
    assert 0.0 == pause_seconds(1, Reason.THROTTLED, 0.5)
    assert 2.0 == pytest.approx(pause_seconds(2, Reason.THROTTLED, 1.0))
    assert 2.0 / 3 == pytest.approx(pause_seconds(2, Reason.THROTTLED, 0.0))
    assert 60.0 == pytest.approx(pause_seconds(99, Reason.THROTTLED, 1.0))


def test_where_nobody_listens_two_seconds_are_the_most() -> None:
    """A kubelet that restarts is back within seconds, and an attempt is cheap."""
    assert 0.25 == pytest.approx(pause_seconds(1, Reason.UNAVAILABLE, 1.0))
    assert 2.0 == pytest.approx(pause_seconds(99, Reason.UNAVAILABLE, 1.0))


@pytest.mark.parametrize("reason", [Reason.DISABLED, Reason.UNIMPLEMENTED, Reason.DENIED])
def test_what_does_not_pass_is_asked_seldom(reason: Reason) -> None:
    """The socket's next start ends the wait, too."""
    assert PERMANENT_SECONDS == pause_seconds(1, reason, 0.0)


def test_an_alarm_rings_once_and_the_earlier_one_counts() -> None:
    """A later moment does not put it off; one that is set again replaces it."""
    rung, alarm = threading.Event(), Alarm(SystemClock())
    alarm.set(rung.set, 0.01)
    alarm.sooner(rung.set, 3600.0)
    assert rung.wait(60)
    assert alarm.has_rung

    again = threading.Event()
    alarm.set(again.set, 3600.0)
    assert not alarm.has_rung
    alarm.sooner(again.set, 0.01)
    assert again.wait(60)
    alarm.stop()
    alarm.set(again.set, 0.0)
    assert not alarm.has_rung


def test_a_closed_client_says_so(short_dir: Path) -> None:
    """Not with gRPC's ValueError."""
    client = PodsApiClient(short_dir / "none.sock")
    assert client.identity() is None
    client.close()
    with pytest.raises(PodsApiError, match="the channel is closed"):
        client.watch()
