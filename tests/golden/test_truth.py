"""
Values of the captures' pages, derived independently from the kubelet's state files.

The state files are what the kubelet's managers believe: `kubelet_internal_checkpoint.json` (devices by pod UID, with
the nodes they were granted with; "-1" is no topology), `cpu_manager_state.json`, `memory_manager_state.json`, and
`pods.json` for names, phases and specs. Only the nodes of devices that nobody holds are in none of them; they are read
from the printed allocatable answer. Where the API tells less than the truth, the difference is stated, with its reason.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from captures import CAPTURES, capture
from prometheus_client.parser import text_string_to_metric_families as read_text

HERE = Path(__file__).parent

# Where CPUs sit, and which are reserved for the system: captures/README.md.
NODE_OF_CPU = {0: "0", 1: "0", 2: "0", 3: "0", 4: "1", 5: "1", 6: "1", 7: "1"}
RESERVED_CPUS = {0, 4}

Samples = dict[tuple[str, ...], float]
EACH_RELEASE = pytest.mark.parametrize("release", ["kubelet-1.36", "kubelet-1.27"])


class Owner(NamedTuple):
    """A container of a pod that the kubelet lists."""

    pod: str
    container: str


@cache
def state(release: str, file: str) -> Any:
    return json.loads(capture(release, file))


def listed_pods(release: str) -> dict[str, Any]:
    """
    Return the listed pods by UID.

    1.36 lists active pods only. 1.27 lists every pod it knows, the finished job included, and because the job is the
    pod that was admitted last it even keeps its device and CPU (kubernetes #119423, #132020).
    """
    pods = {pod["metadata"]["uid"]: pod for pod in state(release, "pods.json")["items"]}
    if release == "kubelet-1.36":
        return {uid: pod for uid, pod in pods.items() if pod["status"]["phase"] == "Running"}
    return pods


def listed_containers(release: str) -> dict[tuple[str, str], Owner]:
    """
    Return the listed containers by (pod UID, name).

    Restartable init containers are listed from 1.30 on, plain init containers never.
    """
    owners = {}
    for uid, pod in listed_pods(release).items():
        sidecars = [each for each in pod["spec"].get("initContainers", []) if each.get("restartPolicy") == "Always"]
        for container in [*sidecars, *pod["spec"]["containers"]]:
            owners[uid, container["name"]] = Owner(pod["metadata"]["name"], container["name"])
    return owners


def numbers(text: str) -> set[int]:
    """Return what a list such as `0-1,4` names."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def text_of(nodes: set[str]) -> str:
    """Return a node set as the page writes it; no set in the captures needs more than this."""
    return {frozenset[str](): "", frozenset({"0", "1"}): "0-1"}.get(frozenset(nodes)) or "".join(nodes)


def held_devices(release: str) -> dict[tuple[Owner, str, str], set[str]]:
    """
    Return the nodes of each held device, by (owner, resource, id).

    The checkpoint also has the finished job's GPU on 1.36, for the file is not cleaned when a pod ends (kubernetes
    #137010); the kubelet no longer lists it and neither do we.
    """
    owners = listed_containers(release)
    held: defaultdict[tuple[Owner, str, str], set[str]] = defaultdict(set)
    for entry in state(release, "kubelet_internal_checkpoint.json")["Data"]["PodDeviceEntries"]:
        owner = owners.get((entry["PodUID"], entry["ContainerName"]))
        if owner is None:
            continue
        for node, device_ids in entry["DeviceIDs"].items():
            for device_id in device_ids:
                held[owner, entry["ResourceName"], device_id] |= {node} - {"-1"}
    return dict(held)


def reported_devices(release: str) -> dict[tuple[str, str], set[str]]:
    """Return the nodes of each allocatable device as printed, by (resource, id); `{}` is node 0, negative is none."""
    reported: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in state(release, "v1-allocatable.json")["devices"]:
        nodes = {str(node.get("ID", 0)) for node in row.get("topology", {}).get("nodes", [])}
        (device_id,) = row["device_ids"]
        reported[row["resource_name"], device_id] |= nodes - {"-1"}
    return dict(reported)


def exclusive_cpus(release: str) -> dict[Owner, set[int]]:
    """Return the CPUs of each listed container; a plain init container's entry has no listed container."""
    owners = listed_containers(release)
    return {
        owners[uid, container]: numbers(cpus)
        for uid, containers in state(release, "cpu_manager_state.json")["entries"].items()
        for container, cpus in containers.items()
        if (uid, container) in owners
    }


def memory_blocks(release: str) -> Iterator[tuple[Owner, str, str, int]]:
    """Yield (owner, memory type, nodes, bytes) of each listed container."""
    owners = listed_containers(release)
    for uid, containers in state(release, "memory_manager_state.json")["entries"].items():
        for container, blocks in containers.items():
            for block in blocks:
                if (uid, container) in owners:
                    nodes = text_of({str(node) for node in block["numaAffinity"]})
                    yield owners[uid, container], block["type"], nodes, block["size"]


def golden(release: str, name: str, *labels: str) -> Samples:
    """Return the golden page's samples of one family by the values of *labels*, and check the labels left out."""
    text = (HERE / f"{release}.prom").read_text(encoding="utf-8")
    found: Samples = {}
    for family in read_text(text):
        for sample in family.samples:
            if sample.name == name:
                key = tuple(sample.labels[label] for label in labels)
                assert key not in found
                assert "node1" == sample.labels["node"]
                assert sample.labels.get("namespace", "default") == "default"
                found[key] = sample.value
    return found


def per_node(cpus: Mapping[tuple[str, ...], set[int]]) -> Samples:
    """Return how many CPUs each key has on each node it has some on."""
    counts = Counter((*key, NODE_OF_CPU[cpu]) for key, held in cpus.items() for cpu in held)
    return {key: float(count) for key, count in counts.items()}


@EACH_RELEASE
def test_each_container_holds_the_devices_of_the_checkpoint(release: str) -> None:
    """
    One series per device with the nodes it was granted with, and their number by resource.

    `emptytopo` and `minus1` were granted without a node ("-1" in the checkpoint), `node7` with one that the machine
    does not have, which is shown because the plugin said so.
    """
    held = held_devices(release)

    assert {
        (*owner, resource, device_id, text_of(nodes)): 1.0 for (owner, resource, device_id), nodes in held.items()
    } == (golden(release, "podres_container_device_info", "pod", "container", "resource", "device", "numa_nodes"))
    assert Counter((*owner, resource) for owner, resource, _ in held) == (
        golden(release, "podres_container_devices", "pod", "container", "resource")
    )


@EACH_RELEASE
def test_only_time_sliced_ids_have_a_replica(release: str) -> None:
    """The shared plugin's ids are `GPU-uuid::N` (captures/README.md)."""
    expected = {}
    for _, _, device_id in held_devices(release):
        base, _, replica = device_id.partition("::")
        expected[device_id, base, replica] = 1.0

    assert expected == golden(release, "podres_container_device_info", "device", "device_base", "replica")


@EACH_RELEASE
def test_the_nodes_devices_are_what_is_registered(release: str) -> None:
    """
    Allocatable, by resource, are the devices that the plugins registered as healthy.

    But for `emptytopo`: a topology without nodes keeps a device out of GetAllocatableResources. The
    one that is held (E-0) is known from List, the other one (E-1) is invisible.
    """
    registered = state(release, "kubelet_internal_checkpoint.json")["Data"]["RegisteredDevices"]
    expected = Counter({resource: len(device_ids) for resource, device_ids in registered.items()})
    expected["example.com/emptytopo"] -= 1
    actual: Counter[str] = Counter()
    for (resource, _), count in golden(release, "podres_node_allocatable_devices", "resource", "numa_nodes").items():
        actual[resource] += int(count)

    assert expected == actual


@EACH_RELEASE
def test_what_is_left_of_the_devices_is_registered_and_not_held(release: str) -> None:
    """
    Four numbers for each resource and node set, each counted one device at a time.

    On 1.36 the finished job's GPU-1 is free again, on 1.27 the job still wears it.
    """
    reported, held = reported_devices(release), {}
    for (_, resource, device_id), nodes in held_devices(release).items():
        held[resource, device_id] = nodes
    expected: dict[str, Counter[tuple[str, str]]] = {
        name: Counter() for name in ("allocatable", "allocated", "free", "unallocatable_held")
    }
    for key in reported.keys() | held.keys():
        row = (key[0], text_of(reported.get(key, held.get(key, set()))))
        expected["allocatable"][row] += 1
        expected["allocated"][row] += key in held
        expected["free"][row] += key in reported and key not in held
        expected["unallocatable_held"][row] += key in held and key not in reported

    for name, counts in expected.items():
        assert dict(counts) == golden(release, f"podres_node_{name}_devices", "resource", "numa_nodes"), name
    assert {"kubelet-1.36": 1, "kubelet-1.27": 0}[release] == expected["free"]["example.com/gpu", "0"]
    assert {("example.com/emptytopo", "")} == {row for row, count in expected["unallocatable_held"].items() if count}


@EACH_RELEASE
def test_each_container_has_the_cpus_of_the_cpu_manager(release: str) -> None:
    """Entries of listed containers: counted by node, and one by one."""
    cpus = exclusive_cpus(release)

    assert per_node({(*owner,): held for owner, held in cpus.items()}) == golden(
        release, "podres_container_exclusive_cpus", "pod", "container", "numa_node"
    )
    assert {(*owner, str(cpu), NODE_OF_CPU[cpu]): 1.0 for owner, held in cpus.items() for cpu in held} == (
        golden(release, "podres_cpu_info", "pod", "container", "cpu", "numa_node")
    )
    lists = golden(release, "podres_container_cpuset_info", "pod", "container", "cpus")
    assert sorted((*owner, sorted(held)) for owner, held in cpus.items()) == (
        sorted((pod, container, sorted(numbers(text))) for pod, container, text in lists)
    )


@EACH_RELEASE
def test_each_pod_has_the_union_of_its_containers_cpus(release: str) -> None:
    """
    Without the init container's, which the kubelet does not list though the pod holds them until it ends.

    1.36: init had 6-7, main got 6 of them: the pod's truth is 5-7, the page says 5 and 6. 1.27: the pod's truth is 5-7
    too, the page says 5.
    """
    union: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    for owner, held in exclusive_cpus(release).items():
        union[owner.pod,] |= held

    assert per_node(union) == golden(release, "podres_pod_exclusive_cpus", "pod", "numa_node")
    assert {"kubelet-1.36": {5, 6}, "kubelet-1.27": {5}}[release] == union["initjob-node1",]


@EACH_RELEASE
def test_the_nodes_pools_are_the_cpu_managers_but_for_init_containers(release: str) -> None:
    """
    Allocatable is what is not reserved; exclusive what listed containers hold; the rest is called shared.

    The CPU manager's own pool (defaultCpuSet, here without the reserved CPUs that are always in it) is smaller by the
    CPUs that only a finished init container held: 7 on 1.36, 6 and 7 on 1.27. HELP calls ours an upper bound.
    """
    allocatable = NODE_OF_CPU.keys() - RESERVED_CPUS
    exclusive = set[int]().union(*exclusive_cpus(release).values())
    cpu_manager = state(release, "cpu_manager_state.json")
    invisible = {"kubelet-1.36": {7}, "kubelet-1.27": {6, 7}}[release]
    init_only = numbers(cpu_manager["entries"][initjob_uid(release)]["init"]) - exclusive
    pools = {"allocatable": allocatable, "exclusive": exclusive, "shared": allocatable - exclusive}

    assert invisible == init_only
    assert pools["shared"] - invisible == numbers(cpu_manager["defaultCpuSet"]) - RESERVED_CPUS
    lists = golden(release, "podres_node_cpuset_info", "pool", "cpus")
    assert pools == {pool: numbers(text) for pool, text in lists}
    for name, pool in (("allocatable", "allocatable"), ("exclusive", "exclusive"), ("shared_pool", "shared")):
        # A node with none of a pool says 0.
        expected = {("0",): 0.0, ("1",): 0.0} | per_node({(): pools[pool]})
        assert expected == golden(release, f"podres_node_{name}_cpus", "numa_node"), name


def initjob_uid(release: str) -> str:
    (uid,) = (uid for uid, pod in listed_pods(release).items() if pod["metadata"]["name"] == "initjob-node1")
    return uid


@EACH_RELEASE
def test_each_container_and_pod_has_the_blocks_of_the_memory_manager(release: str) -> None:
    """One series per container, type and nodes; a pod's is the sum, for no pod here has pod-level resources."""
    containers: Counter[tuple[str, ...]] = Counter()
    pods: Counter[tuple[str, ...]] = Counter()
    for owner, memory_type, nodes, size in memory_blocks(release):
        containers[*owner, memory_type, nodes] += size
        pods[owner.pod, memory_type, nodes] += size

    assert containers == (
        golden(release, "podres_container_memory_bytes", "pod", "container", "memory_type", "numa_nodes")
    )
    assert pods == golden(release, "podres_pod_memory_bytes", "pod", "memory_type", "numa_nodes")


@EACH_RELEASE
def test_the_nodes_memory_is_the_memory_managers_but_for_finished_pods(release: str) -> None:
    """
    Allocatable is the machine state's; a type that a node has none of is no row (hugepages-1Gi on node 0).

    Allocated is the machine state's `reserved`, but on 1.36 without the 64 MiB that the finished job's entry still
    reserves on node 0: its pod is not listed any more. On 1.27 it is listed, and all 64 MiB are counted.
    """
    allocatable, reserved = {}, {}
    for node, machine in state(release, "memory_manager_state.json")["machineState"].items():
        for memory_type, sizes in machine["memoryMap"].items():
            if sizes["allocatable"]:
                allocatable[memory_type, node] = float(sizes["allocatable"])
                reserved[memory_type, node] = float(sizes["reserved"])
    if release == "kubelet-1.36":
        reserved["memory", "0"] -= 64 * 2**20

    assert allocatable == golden(release, "podres_node_allocatable_memory_bytes", "memory_type", "numa_nodes")
    assert reserved == golden(release, "podres_node_allocated_memory_bytes", "memory_type", "numa_nodes")


@EACH_RELEASE
def test_every_container_with_locality_is_aligned_on_one_node(release: str) -> None:
    """
    Best-effort found a node for each: CPUs and memory on it, and every device that states an existing node near it.

    A device is near if any of its nodes is the container's (W-0 is on both); S-0 is on a node 7 that does not exist and
    says nothing, like those without a topology.
    """
    nodes: defaultdict[Owner, set[str]] = defaultdict(set)
    for owner, cpus in exclusive_cpus(release).items():
        nodes[owner] |= {NODE_OF_CPU[cpu] for cpu in cpus}
    for owner, _, block_nodes, _ in memory_blocks(release):
        nodes[owner].add(block_nodes)
    for (owner, _, _), device_nodes in held_devices(release).items():
        known = device_nodes & {"0", "1"}
        assert not known or known & nodes[owner]

    assert all(len(found) == 1 for found in nodes.values())
    for name in ("podres_container_numa_nodes", "podres_container_numa_aligned"):
        assert dict.fromkeys(nodes, 1.0) == golden(release, name, "pod", "container"), name


@EACH_RELEASE
def test_ten_seconds_of_holding_are_ten_device_and_cpu_seconds_each(release: str) -> None:
    """The golden snapshot was held for ten seconds."""
    devices = Counter(resource for _, resource, _ in held_devices(release))
    cpus = set[int]().union(*exclusive_cpus(release).values())

    assert {(resource,): 10.0 * count for resource, count in devices.items()} == (
        golden(release, "podres_allocated_device_seconds_total", "resource")
    )
    assert {("default",): 10.0 * len(cpus)} == golden(release, "podres_exclusive_cpu_seconds_total", "namespace")


@EACH_RELEASE
def test_no_pod_of_the_recorded_nodes_has_a_claim(release: str) -> None:
    """The recorded kubelets had no API server, so no DRA (captures/README.md): the families are absent."""
    assert {} == golden(release, "podres_container_claim_device_info")
    assert {} == golden(release, "podres_container_claim_cdi_device_info")


@EACH_RELEASE
def test_the_readable_list_agrees_with_the_state_files(release: str) -> None:
    """`list.txt` is the answer printed by another client: the truth above must be what the kubelet said."""
    devices, cpus, memory = set(), {}, set()
    owner, pod = Owner("", ""), ""
    for line in (CAPTURES / release / "list.txt").read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["POD", _, name, *_]:
                pod = name
            case ["C", container, "cpus", *rest]:
                owner = Owner(pod, container)
                text, blocks = " ".join(rest).split(" mem ")
                cpus[owner] = set(json.loads(text))
                memory |= {(owner, block) for block in blocks.strip("[]").split("), ") if block}
            case ["D", resource, device_id, "topo", node]:
                devices.add((owner, resource, device_id.strip("[]'"), node.strip("[]")))

    assert {owner: held for owner, held in cpus.items() if held} == exclusive_cpus(release)
    assert {each[0] for each in memory} == {each[0] for each in memory_blocks(release)}
    assert devices == {
        (owner, resource, device_id, node)
        for (owner, resource, device_id), nodes in held_devices(release).items()
        for node in nodes or {"None"}
    }
