"""A recording as the sources of a snapshot."""

import threading

import pytest

from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.kube.interfaces import SilentObserver
from podres_exporter.model import Metadata, Topology
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.sources.fixed import FixedMetadata
from podres_exporter.sources.recorded import RecordedClock, RecordedKubelet, RecordedTopology

EMPTY = Recording("n1", "0", 1000.0)


@pytest.mark.parametrize("call", [None, Call(), Call(None, Refusal(Reason.UNAVAILABLE, "not in the recording"))])
def test_what_is_not_in_the_recording_is_unavailable(call: Call | None) -> None:
    """As a kubelet that did not answer."""
    kubelet = RecordedKubelet(Recording("n1", "0", 1.0, {} if call is None else {"List": call}))
    with pytest.raises(KubeletError) as caught:
        kubelet.list()
    kubelet.close()

    assert Reason.UNAVAILABLE is caught.value.reason
    assert "List: not in the recording" == caught.value.detail


def test_the_socket_is_as_old_as_it_was() -> None:
    """Without a socket there is no identity."""
    identity = RecordedKubelet(Recording("n1", "0", 1000.0, socket_age_seconds=10.0)).identity()
    assert identity is not None

    assert 990.0 == identity.created_seconds
    assert RecordedKubelet(EMPTY).identity() is None


def test_the_topology_is_the_recorded_one_or_fails_as_it_did() -> None:
    """Also where a recording has none."""
    topology = Topology({0: frozenset({0})})
    with pytest.raises(TopologyError, match="denied: cannot read"):
        RecordedTopology(Recording("n1", "0", 1.0, topology=Refusal(Reason.DENIED, "cannot read"))).read()
    with pytest.raises(TopologyError, match="not in the recording"):
        RecordedTopology(EMPTY).read()

    assert topology is RecordedTopology(Recording("n1", "0", 1.0, topology=topology)).read()


def test_time_stands_still_in_a_recording() -> None:
    """At the time of the recording, without waiting."""
    clock, event = RecordedClock(1000.0), threading.Event()

    assert (1000.0, 0.0, False) == (clock.wall_seconds(), clock.monotonic_seconds(), clock.wait(event, 60.0))
    event.set()
    assert clock.wait(event, 60.0)


def test_metadata_that_was_told_once_never_changes() -> None:
    """None if that source was not read."""
    metadata = Metadata(synced=True)
    source = FixedMetadata(metadata)
    source.start(lambda _: pytest.fail("nothing changes"))
    source.stop()

    assert metadata is source.metadata()
    assert FixedMetadata(None).metadata() is None


def test_silence_passes_over_everything() -> None:
    """Whatever the source of pod metadata tells."""
    observer = SilentObserver()
    observer.request("list")
    observer.error("list", Reason.DENIED)
    observer.restart("ended")
    observer.event("changed")
    observer.received(1)
    observer.malformed(())

    assert {} == vars(observer)
