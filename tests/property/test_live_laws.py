"""Invariants of the live simulated node, over random pods that come and go."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_bench import STATED, Bench, bench, container, manifest

from podres_exporter.sim.live import Kubelet, Phase

law = settings(deadline=None, max_examples=25)
"""Each step asks real plugins over sockets; speed is measured elsewhere."""

NAMES = st.sampled_from("abcdef")
POLICIES = st.sampled_from(["none", "best-effort", "restricted", "single-numa-node"])
RELEASES = st.sampled_from([21, 27, 29, 31, 32, 33, 36])
STEPS = st.tuples(st.sampled_from(["admit", "admit", "admit", "finish", "remove"]), NAMES)


@pytest.fixture(scope="module", name="node")
def a_node() -> Iterator[Bench]:
    """Yield one node for all examples; each has a kubelet of its own."""
    with bench() as found:
        yield found


@st.composite
def containers(draw: st.DrawFn, name: str) -> dict[str, Any]:
    cpu, memory = draw(st.sampled_from(["100m", "1", "2", "3"])), draw(st.sampled_from(["64Mi", "1Gi", "3Gi"]))
    sidecar = name.startswith("i") and draw(st.booleans())
    return container(name, cpu, memory, sidecar=sidecar, gpu=draw(st.integers(0, 2)), nic=draw(st.integers(0, 2)))


@st.composite
def pods(draw: st.DrawFn, name: str) -> dict[str, Any]:
    inits = [draw(containers(f"i{index}")) for index in range(draw(st.integers(0, 2)))]
    apps = [draw(containers(f"c{index}")) for index in range(draw(st.integers(1, 2)))]
    return manifest(name, *apps, inits=inits)


@st.composite
def kubelets(draw: st.DrawFn, node: Bench) -> Kubelet:
    scope = draw(st.sampled_from(["container", "pod"]))
    return node.kubelet(draw(RELEASES), f"topology_manager: {{policy: {draw(POLICIES)}, scope: {scope}}}")


def play(data: st.DataObject, kubelet: Kubelet) -> Iterator[None]:
    """Let pods come, finish and go, and stop after each step."""
    for step, name in data.draw(st.lists(STEPS, min_size=1, max_size=10)):
        if step == "admit" and kubelet.pod(name) is None:
            kubelet.admit(data.draw(pods(name)))
        elif step == "finish":
            kubelet.finish(name)
        elif step == "remove":
            kubelet.remove(name)
        yield


def running(kubelet: Kubelet) -> list[str]:
    found = ((name, kubelet.pod(name)) for name in "abcdef")
    return [name for name, live in found if live is not None and live.phase is Phase.RUNNING]


@law
@given(data=st.data())
def test_no_cpu_and_no_device_is_held_by_two_running_pods(node: Bench, data: st.DataObject) -> None:
    """What a pod holds is its own, whatever its init containers left (cpumanager and devicemanager)."""
    kubelet = data.draw(kubelets(node))
    for _ in play(data, kubelet):
        held = {
            name: {
                thing
                for each in kubelet.held(name)
                for thing in chain(each.exclusive_cpus, ((d.resource, d.device_id) for d in each.devices))
            }
            for name in running(kubelet)
        }
        owners = Counter(thing for things in held.values() for thing in things)

        assert not [thing for thing, count in owners.items() if count > 1]


@law
@given(data=st.data())
def test_no_two_listed_containers_hold_the_same(node: Bench, data: st.DataObject) -> None:
    """Init containers hand on, the others do not share: each thing is in List once."""
    kubelet = data.draw(kubelets(node))
    for _ in play(data, kubelet):
        listed = [each for pod in kubelet.listed() for each in pod.containers]
        cpus = Counter(chain.from_iterable(each.exclusive_cpus for each in listed))
        devices = Counter((d.resource, d.device_id) for each in listed for d in each.devices)

        assert not [thing for thing, count in (cpus + devices).items() if count > 1]


@law
@given(data=st.data())
def test_never_more_is_listed_than_was_admitted(node: Bench, data: st.DataObject) -> None:
    """A container has the devices it asked for and no others; a rejected pod has none, and each pod is there once."""
    kubelet = data.draw(kubelets(node))
    for _ in play(data, kubelet):
        for pod in kubelet.listed():
            live = kubelet.pod(pod.name)
            assert live is not None
            asked = {each.name: each for each in live.request.containers}
            for each in pod.containers:
                counts = Counter(device.resource for device in each.devices)
                full = Counter({resource: count for resource, count in asked[each.name].devices.items() if count})

                assert counts == (full if live.phase is Phase.RUNNING else counts & full)
                assert len(each.exclusive_cpus) <= asked[each.name].requests.cpu_millicores // 1000
                assert live.rejection is None or not (each.devices or each.exclusive_cpus or each.memory)
        names = [pod.name for pod in kubelet.listed()]
        assert sorted(set(names)) == sorted(names)
        assert set(running(kubelet)) <= set(names)


@law
@given(data=st.data())
def test_removing_everything_frees_everything(node: Bench, data: st.DataObject) -> None:
    """A pod that needs the whole node is admitted once all others are deleted, however they ended."""
    kubelet = data.draw(kubelets(node))
    for _ in play(data, kubelet):
        pass
    for name in "abcdef":
        kubelet.remove(name)

    halves = [container(f"half{index}", "3", "3Gi", gpu=1, nic=2) for index in range(2)]
    idle = kubelet.listed()
    first = node.kubelet().admit(manifest("whole", *halves))
    again = kubelet.admit(manifest("whole", halves[0]))
    rest = kubelet.admit(manifest("other", halves[1]))

    assert () == idle
    assert [None, None, None] == [first.rejection, again.rejection, rest.rejection]
    held = [device for pod in kubelet.listed() for each in pod.containers for device in each.devices]
    assert sum(map(len, STATED.values())) == len(held)
