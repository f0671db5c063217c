"""Invariants of admission, over random nodes and pods."""

from collections.abc import Sequence
from itertools import chain, product

from admission_rig import GIB, machine_topology, managers
from hypothesis import given, settings
from hypothesis import strategies as st

from podres_exporter.admission import (
    TOPOLOGY_AFFINITY,
    Admission,
    Amounts,
    ContainerRequest,
    Hint,
    Kind,
    NodeManagers,
    Offers,
    PluginDevice,
    PodRequest,
    Policy,
    ProviderHints,
    Rejection,
    Scope,
    admit,
    merge,
    release,
)
from podres_exporter.admission.policy import masks
from podres_exporter.join.numa import container_alignment
from podres_exporter.model import Topology, Verdict

law = settings(deadline=None)
"""Speed is measured elsewhere; a busy machine breaks no law."""

RESOURCES = ("a.example.com/gpu", "b.example.com/nic")
MACHINES = st.sampled_from(
    [
        machine_topology(),
        machine_topology(nodes=1),
        machine_topology(nodes=3, cores=4, threads=1),
        machine_topology(nodes=4, nodes_per_socket=2),
    ]
)


@st.composite
def nodes(draw: st.DrawFn) -> NodeManagers:
    """Draw an idle node, with or without CPU and memory manager."""
    topology = draw(MACHINES)
    reserved = draw(st.sampled_from(["0", "0,4", "0-1"]))
    node = managers(topology, ",".join(reserved.split(",")[: len(topology.nodes)]), memory_gib=2)
    cpus = node.cpus if draw(st.booleans()) else None
    memory = node.memory if draw(st.booleans()) else None
    return NodeManagers(node.numa_nodes, node.devices, cpus, memory)


def offers() -> st.SearchStrategy[Offers]:
    """
    Return some devices of each resource, most of them healthy and on a real node.

    The others are on several nodes, on none, on -1 or on one that does not exist.
    """
    real = st.integers(0, 3).map(lambda node: frozenset([node]))
    odd = st.sampled_from([frozenset[int](), frozenset([-1]), frozenset([7]), frozenset([0, 1]), frozenset([1, 7])])
    one = st.lists(st.tuples(st.one_of(real, real, real, odd), st.integers(0, 7)), min_size=4, max_size=10).map(
        lambda rows: tuple(
            PluginDevice(f"d{index}", numa_nodes, healthy=bool(luck)) for index, (numa_nodes, luck) in enumerate(rows)
        )
    )
    return st.fixed_dictionaries(dict.fromkeys(RESOURCES, one))


@st.composite
def containers(draw: st.DrawFn, name: str, kinds: Sequence[Kind]) -> ContainerRequest:
    cpu, eighths = draw(st.sampled_from([500, 1000, 1000, 2000, 2000, 3000, 5000])), draw(st.integers(1, 18))
    limits = Amounts(cpu, eighths * GIB // 8)
    requests = draw(st.sampled_from([limits, limits, limits, Amounts(100)]))
    devices = {resource: draw(st.sampled_from([0, 0, 0, 1, 2])) for resource in RESOURCES}
    return ContainerRequest(name, draw(st.sampled_from(kinds)), requests, limits, devices=devices)


@st.composite
def pods(draw: st.DrawFn, kinds: Sequence[Kind] = tuple(Kind)) -> list[PodRequest]:
    """Draw up to four pods of up to three containers, the last of which is an app container: the API wants one."""
    return [
        PodRequest(
            "default",
            f"p{index}",
            f"uid-{index}",
            (*(draw(containers(f"c{place}", kinds)) for place in range(others)), draw(containers("app", [Kind.APP]))),
        )
        for index, others in enumerate(draw(st.lists(st.integers(0, 2), max_size=4)))
    ]


def walk(
    node: NodeManagers, asking: Sequence[PodRequest], offered: Offers, policy: Policy, scope: Scope
) -> tuple[NodeManagers, list[tuple[PodRequest, Admission | Rejection]]]:
    """Return the node after all pods have come, and what became of each."""
    outcomes: list[tuple[PodRequest, Admission | Rejection]] = []
    for pod in asking:
        outcome = admit(node, pod, offered, policy, scope)
        outcomes.append((pod, outcome))
        if isinstance(outcome, Admission):
            node = outcome.managers
    return node, outcomes


@law
@given(nodes(), pods(), offers(), st.sampled_from(Scope))
def test_what_single_numa_node_admits_is_aligned(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, scope: Scope
) -> None:
    """By the exporter's own judgement, which knows nothing of hints."""
    topology = node.cpus.topology if node.cpus else Topology(dict.fromkeys(node.numa_nodes, frozenset[int]()))
    _, outcomes = walk(node, asking, offered, Policy.SINGLE_NUMA_NODE, scope)
    for _, outcome in outcomes:
        for assignment in outcome.assignments if isinstance(outcome, Admission) else ():
            verdict = container_alignment(assignment.granted, topology, None).verdict

            assert verdict in {Verdict.ALIGNED, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE}


@law
@given(nodes(), pods(), offers(), st.sampled_from(Policy), st.sampled_from(Scope))
def test_nothing_is_given_twice(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, policy: Policy, scope: Scope
) -> None:
    """What an init container holds may pass to later containers of its pod, and to no other pod."""
    _, outcomes = walk(node, asking, offered, policy, scope)
    staying: list[object] = []
    by_pod: list[set[object]] = []
    for _, outcome in outcomes:
        if isinstance(outcome, Admission):
            by_pod.append(set())
            for assignment in outcome.assignments:
                things = [
                    *assignment.granted.exclusive_cpus,
                    *((device.resource, device.device_id) for device in assignment.granted.devices),
                ]
                by_pod[-1].update(things)
                if assignment.request.kind is not Kind.INIT:
                    staying += things

    assert len(staying) == len(set(staying))
    assert sum(map(len, by_pod)) == len(set[object]().union(*by_pod))


@law
@given(nodes(), pods(), offers(), st.sampled_from(Policy), st.sampled_from(Scope))
def test_everyone_gets_what_was_asked_and_only_healthy_unreserved_things(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, policy: Policy, scope: Scope
) -> None:
    _, outcomes = walk(node, asking, offered, policy, scope)
    sick = {(resource, one.device_id) for resource, devices in offered.items() for one in devices if not one.healthy}
    for pod, outcome in outcomes:
        for assignment in outcome.assignments if isinstance(outcome, Admission) else ():
            wanted = pod.exclusive_cpus(assignment.request) if node.cpus else 0
            devices = {(device.resource, device.device_id) for device in assignment.granted.devices}

            assert wanted == len(assignment.granted.exclusive_cpus)
            assert sum(assignment.request.devices.values()) == len(devices)
            assert devices.isdisjoint(sick)
            assert node.cpus is None or assignment.granted.exclusive_cpus.isdisjoint(node.cpus.reserved)


@law
@given(nodes(), pods(), offers(), st.sampled_from(Policy), st.permutations(range(4)))
def test_release_gives_everything_back(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, policy: Policy, order: list[int]
) -> None:
    """In whatever order the pods go."""
    after, _ = walk(node, asking, offered, policy, Scope.CONTAINER)
    for index in order:
        after = release(after, f"uid-{index}")

    assert node == after


@law
@given(nodes(), pods(), offers())
def test_the_blocks_of_all_pods_add_up_to_what_is_taken_of_the_machine(
    node: NodeManagers, asking: list[PodRequest], offered: Offers
) -> None:
    after, _ = walk(node, asking, offered, Policy.BEST_EFFORT, Scope.CONTAINER)
    if after.memory:
        held = sum(block.size_bytes for blocks in after.memory.held.values() for block in blocks)

        assert held == sum(memory.tables["memory"].reserved for memory in after.memory.machine.values())


@law
@given(nodes(), pods(), offers(), st.sampled_from(Scope))
def test_restricted_admits_only_preferred_hints(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, scope: Scope
) -> None:
    _, outcomes = walk(node, asking, offered, Policy.RESTRICTED, scope)

    for _, outcome in outcomes:
        assert isinstance(outcome, Rejection) or all(given.hint.preferred for given in outcome.assignments)


@law
@given(nodes(), pods(kinds=[Kind.APP]), offers(), st.sampled_from([Policy.NONE, Policy.BEST_EFFORT]))
def test_best_effort_and_none_admit_whatever_fits(
    node: NodeManagers, asking: list[PodRequest], offered: Offers, policy: Policy
) -> None:
    """Memory has its own rule of groups and may refuse what would fit, so it is left out."""
    node = NodeManagers(node.numa_nodes, node.devices, node.cpus)
    free = {resource: sum(device.healthy for device in devices) for resource, devices in offered.items()}
    cpus = len(node.cpus.available) if node.cpus else 0
    _, outcomes = walk(node, asking, offered, policy, Scope.CONTAINER)
    for pod, outcome in outcomes:
        wanted = pod.total(pod.exclusive_cpus) if node.cpus else 0
        devices = {name: sum(one.devices.get(name, 0) for one in pod.containers) for name in RESOURCES}
        fits = wanted <= cpus and all(devices[name] <= free[name] for name in RESOURCES)

        assert outcome != TOPOLOGY_AFFINITY
        assert fits == isinstance(outcome, Admission)
        if fits:
            cpus -= wanted
            free = {name: free[name] - devices[name] for name in RESOURCES}


@st.composite
def provider(draw: st.DrawFn, numa_nodes: frozenset[int]) -> ProviderHints:
    hint = st.builds(Hint, st.one_of(st.none(), st.sampled_from(list(masks(numa_nodes)))), st.booleans())
    resource = st.one_of(st.none(), st.lists(hint, max_size=4).map(tuple))
    return draw(st.dictionaries(st.sampled_from("abc"), resource, max_size=2))


@law
@given(st.sampled_from([Policy.BEST_EFFORT, Policy.RESTRICTED]), st.integers(1, 4), st.data())
def test_the_merge_is_that_of_the_whole_cross_product(policy: Policy, size: int, data: st.DataObject) -> None:
    """Each way to take one hint per resource, compared one after the other, as the kubelet does."""
    every = frozenset(range(size))
    providers = data.draw(st.lists(provider(every), max_size=3))
    choices = [
        [Hint(None, preferred=True)] if hints is None else list(hints) or [Hint(None, preferred=False)]
        for one in providers
        for hints in one.values()
    ]
    needs = [min((len(h.numa_nodes) for h in choice if h.numa_nodes is not None), default=0) for choice in choices]
    best: Hint | None = None
    for way in product(*choices):
        stated = [hint.numa_nodes for hint in way if hint.numa_nodes is not None]
        merged = every.intersection(*stated)
        if merged:
            candidate = Hint(merged, preferred=all(hint.preferred for hint in way) and len(set(stated)) <= 1)
            best = candidate if best is None else better(best, candidate, max(chain(needs, [0])))

    assert (best or Hint(every, preferred=False)) == merge(policy, providers, every)[0]


def better(current: Hint, candidate: Hint, wanted: int) -> Hint:
    """Return the better of two merged hints by the cases of the kubelet's documentation, told one by one."""
    if current.preferred != candidate.preferred:
        return current if current.preferred else candidate
    now, then = len(current.numa_nodes or ()), len(candidate.numa_nodes or ())
    narrower = min(
        current, candidate, key=lambda h: (len(h.numa_nodes or ()), sorted(h.numa_nodes or (), reverse=True))
    )
    if current.preferred or now > wanted or now == then:
        return narrower
    if now == wanted or then > wanted:
        return current
    return candidate if then > now else current
