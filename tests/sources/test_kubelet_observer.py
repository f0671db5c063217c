"""The observer of the kubelet client is told of every call."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from look_rig import Spot, spot

from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.recording import Call, Recording
from podres_exporter.sim.podresources.answers import RpcFault
from podres_exporter.sources.interfaces import KubeletCall
from podres_exporter.sources.kubelet import KubeletClient
from podres_exporter.sources.recorded import RecordedKubelet


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir) as found:
        yield found


Calls = dict[str, KubeletCall]


@pytest.fixture
def calls() -> Calls:
    """Return the last call of each RPC, as the observer was told."""
    return {}


@pytest.fixture
def kubelet(node: Spot, calls: Calls) -> Iterator[KubeletClient]:
    client = KubeletClient(node.kubelet.socket_path, 5.0, SystemClock(), lambda call: calls.update({call.rpc: call}))
    yield client
    client.close()


def test_the_observer_is_told_the_bytes_as_they_came(node: Spot, kubelet: KubeletClient, calls: Calls) -> None:
    """Byte by byte; what is decoded of a recording of them is what was decoded of the kubelet's answer."""
    said = (kubelet.list(), kubelet.allocatable(), kubelet.get("ml", "train"))
    recorded = RecordedKubelet(Recording("n1", "0", 1.0, {rpc: Call(call.answer) for rpc, call in calls.items()}))

    assert node.kubelet.answers.list() == calls["List"].answer
    assert {None} == {call.error for call in calls.values()} | {call.reason for call in calls.values()}
    assert said == (recorded.list(), recorded.allocatable(), recorded.get("ml", "train"))


def test_a_failed_call_has_a_reason_and_no_answer(node: Spot, kubelet: KubeletClient, calls: Calls) -> None:
    """Not the answer of the call before."""
    kubelet.get("ml", "train")
    node.kubelet.override("Get", RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method Get"))
    with pytest.raises(KubeletError) as caught:
        kubelet.get("ml", "train")

    assert (None, caught.value, Reason.UNIMPLEMENTED) == (calls["Get"].answer, calls["Get"].error, calls["Get"].reason)
    assert "unknown method Get" in caught.value.detail


def test_bytes_that_cannot_be_decoded_come_with_the_error(node: Spot, kubelet: KubeletClient, calls: Calls) -> None:
    """They are what a bug report is about."""
    node.kubelet.override("List", b"\xff")
    with pytest.raises(KubeletError) as caught:
        kubelet.list()

    assert (b"\xff", caught.value, Reason.MALFORMED) == (
        calls["List"].answer,
        calls["List"].error,
        calls["List"].reason,
    )
    assert "1 bytes are not an answer to List" in caught.value.detail
