"""What was answered is kept, and read again as it was."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from look_rig import Spot, spot

from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.sim.answers import RpcFault
from podres_exporter.sources.recorded import RecordedKubelet
from podres_exporter.sources.recorder import RecordingKubelet


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir) as found:
        yield found


@pytest.fixture
def kubelet(node: Spot) -> Iterator[RecordingKubelet]:
    recorder = RecordingKubelet(node.kubelet.socket_path, 5.0, SystemClock())
    yield recorder
    recorder.close()


def test_good_answers_are_kept_as_they_came(node: Spot, kubelet: RecordingKubelet) -> None:
    """Byte by byte; what is read of the recording is what was read of the kubelet."""
    said = (kubelet.list(), kubelet.allocatable(), kubelet.get("ml", "train"))
    recorded = RecordedKubelet(Recording("n1", "0", 1.0, kubelet.calls))

    assert Call(node.kubelet.answers.list()) == kubelet.calls["List"]
    assert said == (recorded.list(), recorded.allocatable(), recorded.get("ml", "train"))


def test_a_failure_is_kept_with_its_reason(node: Spot, kubelet: RecordingKubelet) -> None:
    """An RPC that the kubelet does not have fails so again."""
    node.kubelet.override("Get", RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method Get"))
    with pytest.raises(KubeletError):
        kubelet.get("ml", "train")
    recorded = RecordedKubelet(Recording("n1", "0", 1.0, kubelet.calls))
    with pytest.raises(KubeletError) as caught:
        recorded.get("ml", "train")

    assert kubelet.calls["Get"].answer is None
    assert Reason.UNIMPLEMENTED is caught.value.reason
    assert "unknown method Get" in caught.value.detail


def test_bytes_that_cannot_be_read_are_kept_with_why(node: Spot, kubelet: RecordingKubelet) -> None:
    """They are what a bug report is about."""
    node.kubelet.override("List", b"\xff")
    with pytest.raises(KubeletError):
        kubelet.list()

    assert Call(b"\xff", Refusal(Reason.MALFORMED, "List: 1 bytes are not an answer to List")) == kubelet.calls["List"]
