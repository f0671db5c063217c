"""
`fit` agrees with the simulated node about the same sequence of pods.

The node's managers live on by `admit` and `release`; fit sees the node only through what a kubelet tells of it.
"""

from collections.abc import Sequence
from dataclasses import replace

from asking_rig import GIB, GPU, NIC, TWO_NODES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podres_exporter.admission import (
    Admission,
    CpuManager,
    DeviceManager,
    MemoryManager,
    NodeManagers,
    Offers,
    PluginDevice,
    admit,
    new_machine,
    release,
)
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.fit import Ask, Fits, Policy, Scope, ask_for, fit
from podres_exporter.fit.ask import pod_request
from podres_exporter.join import Joiner
from podres_exporter.model import Allocatable, ContainerKind, ContainerSpec, Device, Listing, Pod, Snapshot, Topology

law = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

THREE_NODES = Topology({node: frozenset(range(node * 4, node * 4 + 4)) for node in range(3)})
POLICIES = st.sampled_from(Policy)
SCOPES = st.sampled_from(Scope)


@st.composite
def nodes(draw: st.DrawFn) -> tuple[NodeManagers, Offers]:
    """Draw an idle node; its devices are healthy and state a node, two nodes, or none."""
    topology = draw(st.sampled_from([TWO_NODES, THREE_NODES]))
    reserved = parse_cpuset(draw(st.sampled_from(["0", "0-1"])))
    machine = new_machine(dict.fromkeys(topology.nodes, 4 * GIB), {0: {"hugepages-2Mi": GIB}}, {})
    place = st.sampled_from(
        [frozenset([0]), frozenset([0]), frozenset([1]), frozenset([1]), frozenset([0, 1]), frozenset()]
    )
    offers = {
        resource: tuple(
            PluginDevice(f"d{index}", numa_nodes)
            for index, numa_nodes in enumerate(draw(st.lists(place, min_size=3, max_size=6)))
        )
        for resource in (GPU, NIC)
    }
    return (
        NodeManagers(
            topology.nodes,
            DeviceManager(topology.nodes),
            CpuManager(topology, reserved) if draw(st.booleans()) else None,
            MemoryManager(machine) if draw(st.booleans()) else None,
        ),
        offers,
    )


@st.composite
def asks(draw: st.DrawFn, kinds: Sequence[ContainerKind] = (ContainerKind.APP, ContainerKind.SIDECAR)) -> Ask:
    """Draw a pod of up to three containers; by default no init containers, whose holdings the kubelet does not tell."""
    containers = tuple(
        ContainerSpec(
            f"c{index}",
            draw(st.sampled_from(kinds)),
            tuple((resource, count) for resource in (NIC, GPU) if (count := draw(st.integers(0, 2)))),
            draw(st.sampled_from([500, 1000, 2000, 3000, 4000])),
            (
                *([("hugepages-2Mi", GIB // 2)] if draw(st.integers(0, 5)) == 0 else []),
                ("memory", draw(st.integers(1, 20)) * GIB // 4),
            ),
        )
        for index in range(draw(st.integers(1, 3)))
    )
    return Ask(containers, draw(st.booleans()))


def after(
    node: NodeManagers, offers: Offers, asking: list[Ask], policy: Policy
) -> tuple[NodeManagers, list[Admission | None]]:
    """Return the node once these pods have come, and those of them that were admitted."""
    pods: list[Admission | None] = []
    for number, each in enumerate(asking):
        outcome = admit(node, replace(pod_request(each), uid=f"uid-{number}"), offers, policy, Scope.CONTAINER)
        pods.append(outcome if isinstance(outcome, Admission) else None)
        node = outcome.managers if isinstance(outcome, Admission) else node
    return node, pods


def told(node: NodeManagers, offers: Offers, pods: list[Admission | None]) -> Snapshot:
    """Return what a kubelet's two answers tell of the node."""
    listed = tuple(
        Pod("ns", f"p{number}", tuple(each.granted for each in admitted.assignments))
        for number, admitted in enumerate(pods)
        if admitted is not None
    )
    devices = tuple(Device(name, each.device_id, each.numa_nodes) for name, offer in offers.items() for each in offer)
    allocatable = Allocatable(
        devices,
        node.cpus.allocatable if node.cpus else frozenset(),
        node.memory.allocatable if node.memory else (),
    )
    topology = TWO_NODES if node.numa_nodes == TWO_NODES.nodes else THREE_NODES
    return Snapshot("n1", Joiner().join(Listing(listed), allocatable, topology))


@law
@given(nodes(), st.lists(asks(), max_size=4), st.sets(st.integers(0, 3)), asks(tuple(ContainerKind)), POLICIES, SCOPES)
def test_fit_says_yes_to_what_the_node_admits_and_no_to_what_it_refuses(
    idle: tuple[NodeManagers, Offers], before: list[Ask], gone: set[int], ask: Ask, policy: Policy, scope: Scope
) -> None:
    """Some pods have come, some of them have gone, and now one more asks."""
    node, offers = idle
    node, pods = after(node, offers, before, Policy.BEST_EFFORT)
    for number in gone & set(range(len(pods))):
        node, pods[number] = release(node, f"uid-{number}"), None

    real = admit(node, replace(pod_request(ask), uid="uid-new"), offers, policy, scope)
    (said,) = fit(told(node, offers, pods), ask, policy, scope).outcomes

    if isinstance(real, Admission):
        assert Fits.YES == said.fits
    else:
        assert (Fits.NO, real) == (said.fits, said.rejection)
        assert said.hurdles


@law
@given(nodes(), st.lists(asks(), max_size=3), asks(), SCOPES)
def test_whose_leaving_would_help_is_right(
    idle: tuple[NodeManagers, Offers], before: list[Ask], ask: Ask, scope: Scope
) -> None:
    node, offers = idle
    node, pods = after(node, offers, before, Policy.NONE)
    snapshot = told(node, offers, pods)

    for outcome in fit(snapshot, ask, scope=scope).outcomes:
        for key in outcome.freeing:
            assert Fits.YES == fit(snapshot, ask, outcome.policy, scope, without=key).fits


@law
@given(nodes(), st.lists(asks(), max_size=3), st.data())
def test_asking_for_less_never_turns_yes_into_no_under_policy_none(
    idle: tuple[NodeManagers, Offers], before: list[Ask], data: st.DataObject
) -> None:
    """In whole CPUs, for a fraction comes from the shared pool, and no manager minds."""
    node, offers = idle
    node, pods = after(node, offers, before, Policy.NONE)
    snapshot = told(node, offers, pods)
    cpus, quarters, gpus = data.draw(st.tuples(st.integers(1, 8), st.integers(1, 40), st.integers(0, 6)))
    less = data.draw(st.tuples(st.integers(1, cpus), st.integers(1, quarters), st.integers(0, gpus)))

    def fits(amounts: tuple[int, int, int]) -> Fits:
        ask = ask_for(cpu_millicores=amounts[0] * 1000, memory_bytes=amounts[1] * GIB // 4, devices={GPU: amounts[2]})
        return fit(snapshot, ask, Policy.NONE).fits

    assert fits((cpus, quarters, gpus)) is Fits.NO or fits(less) is Fits.YES
