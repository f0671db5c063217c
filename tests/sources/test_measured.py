"""How large answers are and how long they take."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from builders import list_answer, pod_row

from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet
from podres_exporter.sources.measured import MeasuredKubelet

BODY = list_answer(pod_row("a"))


@pytest.fixture
def kubelet(short_dir: Path) -> Iterator[SimKubelet]:
    with SimKubelet(short_dir / "s", FixedAnswers(BODY), SystemClock()) as kubelet:
        yield kubelet


def test_answers_are_measured(kubelet: SimKubelet) -> None:
    """Bytes on the wire, and seconds."""
    client = MeasuredKubelet(kubelet.socket_path, 5.0, SystemClock())
    client.list()
    client.allocatable()
    client.close()

    assert {"List": len(BODY), "GetAllocatableResources": 0} == client.sizes
    assert {"List", "GetAllocatableResources"} == set(client.seconds)
    assert 5 > max(client.seconds.values())


def test_a_call_without_an_answer_has_no_size(kubelet: SimKubelet) -> None:
    """Not that of the answer before."""
    client = MeasuredKubelet(kubelet.socket_path, 5.0, SystemClock())
    client.list()
    kubelet.override("List", RpcFault(grpc.StatusCode.INTERNAL, "oops"))
    with pytest.raises(KubeletError):
        client.list()
    client.close()

    assert {} == client.sizes
    assert {"List"} == set(client.seconds)
