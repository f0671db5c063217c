"""Decoded answers of real kubelets agree with the kubelet's state files."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from builders import block, container, device, pod
from captures import capture

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model import Allocatable, Container, Device, Listing, MemoryBlock, Pod
from podres_exporter.wire import AllocatableDecoder, ListDecoder, decode_get

RELEASES = ["kubelet-1.27", "kubelet-1.36"]
RESERVED = parse_cpuset("0,4")
"""reservedSystemCPUs of the recorded node (README.md beside the captures)."""


def device_of(kind: str, device_id: str, *numa_nodes: int) -> Device:
    return device(f"example.com/{kind}", device_id, *numa_nodes)


@dataclass(frozen=True, slots=True)
class Truth:
    """
    What the kubelet's own files say, by pod name and container name.

    *pods_by_name* is the kubelet's own view of its pods, from which the names of the UIDs come.
    """

    pods_by_name: dict[str, Any]
    cpus: dict[tuple[str, str], CpuSet]
    memory: dict[tuple[str, str], list[MemoryBlock]]
    devices: dict[tuple[str, str], set[Device]]
    shared_cpus: CpuSet
    allocatable_memory: set[MemoryBlock]
    registered: set[tuple[str, str]]

    @classmethod
    def of(cls, release: str) -> "Truth":
        """Read the files; the device checkpoint writes -1 where a device has no node."""
        pods = {item["metadata"]["name"]: item for item in _read_json(release, "pods.json")["items"]}
        name_by_uid = {item["metadata"]["uid"]: name for name, item in pods.items()}
        cpu_state = _read_json(release, "cpu_manager_state.json")
        memory_state = _read_json(release, "memory_manager_state.json")
        checkpoint = _read_json(release, "kubelet_internal_checkpoint.json")["Data"]
        nodes: dict[tuple[str, str, str, str], set[int]] = {}
        for entry in checkpoint["PodDeviceEntries"]:
            for node, ids in entry["DeviceIDs"].items():
                for device_id in ids:
                    key = (name_by_uid[entry["PodUID"]], entry["ContainerName"], entry["ResourceName"], device_id)
                    nodes.setdefault(key, set()).update({int(node)} - {-1})
        devices: dict[tuple[str, str], set[Device]] = {}
        for (pod_name, container_name, resource, device_id), numa_nodes in nodes.items():
            held = devices.setdefault((pod_name, container_name), set())
            held.add(device(resource, device_id, *numa_nodes))
        return cls(
            pods_by_name=pods,
            cpus={
                (name_by_uid[uid], name): parse_cpuset(cpus)
                for uid, containers in cpu_state["entries"].items()
                for name, cpus in containers.items()
            },
            memory={
                (name_by_uid[uid], name): [
                    MemoryBlock(row["type"], frozenset(row["numaAffinity"]), row["size"]) for row in rows
                ]
                for uid, containers in memory_state["entries"].items()
                for name, rows in containers.items()
            },
            devices=devices,
            shared_cpus=parse_cpuset(cpu_state["defaultCpuSet"]),
            allocatable_memory={
                MemoryBlock(kind, frozenset([int(node)]), table["allocatable"])
                for node, state in memory_state["machineState"].items()
                for kind, table in state["memoryMap"].items()
                if table["allocatable"]
            },
            registered={
                (resource, device_id) for resource, ids in checkpoint["RegisteredDevices"].items() for device_id in ids
            },
        )

    def container(self, pod_name: str, name: str) -> Container:
        """Return what the state files say of one container, in the order of our records."""
        return container(
            name,
            *sorted(self.devices.get((pod_name, name), ()), key=lambda device: (device.resource, device.device_id)),
            cpus=",".join(map(str, self.cpus.get((pod_name, name), ()))),
            memory=self.memory.get((pod_name, name), ()),
        )

    def pod(self, name: str) -> Pod:
        """Return the pod with the containers that List shows: those of the spec and, from 1.30, sidecars."""
        spec = self.pods_by_name[name]["spec"]
        sidecars = [c for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always"]
        names = sorted(c["name"] for c in (*sidecars, *spec["containers"]))
        return pod(name, *(self.container(name, container_name) for container_name in names))

    def names(self, *phases: str) -> list[str]:
        """Return the names of the pods in one of the phases, sorted."""
        return sorted(name for name, item in self.pods_by_name.items() if item["status"]["phase"] in phases)


def _read(release: str, file: str) -> bytes:
    return capture(release, file)


def _read_json(release: str, file: str) -> Any:
    return json.loads(_read(release, file))


def recorded_list(release: str) -> Listing:
    return ListDecoder().decode(_read(release, "v1-list.bin"))


def recorded_allocatable(release: str) -> Allocatable:
    return AllocatableDecoder().decode(_read(release, "v1-allocatable.bin"))


@pytest.mark.parametrize(
    ("release", "phases"),
    [
        pytest.param("kubelet-1.36", ["Running"], id="1.36 lists active pods (kubernetes #132028)"),
        pytest.param("kubelet-1.27", ["Running", "Succeeded"], id="1.27 lists finished pods too (kubernetes #119423)"),
    ],
)
def test_list_says_what_the_state_files_say_of_the_listed_pods(release: str, phases: list[str]) -> None:
    """CPUs, memory blocks and devices with their nodes, joined by pod UID; nothing of the answer is lost or added."""
    truth = Truth.of(release)

    assert Listing(tuple(truth.pod(name) for name in truth.names(*phases))) == recorded_list(release)


@pytest.mark.parametrize("release", RELEASES)
def test_get_says_what_list_says(release: str) -> None:
    """The same rules hold for one pod."""
    (listed,) = (pod for pod in recorded_list(release).pods if pod.name == "dev-node1")

    assert Listing((listed,)) == decode_get(_read(release, "v1-get-dev.bin"))


def test_1_27_shows_a_finished_pod_with_all_it_held() -> None:
    """The last admitted pod keeps devices, CPUs and memory when it has finished (pendingAdmissionPod, 1.22 to 1.31)."""
    finished = pod("job-node1", container("main", device_of("gpu", "GPU-1", 0), cpus="1", memory=[block(64, 0)]))

    assert ["job-node1"] == Truth.of("kubelet-1.27").names("Succeeded")
    assert finished in recorded_list("kubelet-1.27").pods
    assert Listing((finished,)) == decode_get(_read("kubelet-1.27", "v1-get-finished.bin"))


def test_1_36_hides_a_finished_pod_though_its_memory_and_devices_are_still_on_file() -> None:
    """GetActivePods leaves it out; the state files lag and are no truth about what is in use (#137010, #129819)."""
    truth = Truth.of("kubelet-1.36")

    assert ["job-node1"] == truth.names("Succeeded")
    assert container("main", device_of("gpu", "GPU-1", 0), memory=[block(64, 0)]) == truth.container(
        "job-node1", "main"
    )
    assert "job-node1" not in {pod.name for pod in recorded_list("kubelet-1.36").pods}


@pytest.mark.parametrize(
    ("release", "listed"),
    [
        pytest.param("kubelet-1.27", "5", id="1.27"),
        pytest.param("kubelet-1.36", "5-6", id="1.36, with a sidecar"),
    ],
)
def test_cpus_of_a_finished_init_container_are_held_and_not_listed(release: str, listed: str) -> None:
    """The state file keeps them until the pod ends, so what is not listed is only an upper bound of what is free."""
    (initjob,) = (pod for pod in recorded_list(release).pods if pod.name == "initjob-node1")

    assert parse_cpuset("6-7") == Truth.of(release).cpus["initjob-node1", "init"]
    assert "init" not in {container.name for container in initjob.containers}
    assert parse_cpuset(listed) == initjob.all_exclusive_cpus()


@pytest.mark.parametrize("release", RELEASES)
def test_all_cpus_that_are_not_reserved_are_allocatable(release: str) -> None:
    """Held or in the shared pool; the shared pool of the state file contains the reserved CPUs."""
    truth = Truth.of(release)
    every = truth.shared_cpus.union(*truth.cpus.values())

    assert RESERVED <= truth.shared_cpus
    assert every - RESERVED == recorded_allocatable(release).cpus


@pytest.mark.parametrize("release", RELEASES)
def test_allocatable_memory_is_a_block_per_node_and_type(release: str) -> None:
    """Total minus reserved and huge pages; types of size 0 are left out (memorymanager policy_static.go)."""
    found = recorded_allocatable(release).memory

    assert Truth.of(release).allocatable_memory == set(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("release", RELEASES)
def test_registered_devices_are_allocatable_except_those_with_an_empty_topology(release: str) -> None:
    """An empty node list makes a device vanish from the allocatable answer, though it is healthy and can be held."""
    registered = Truth.of(release).registered
    missing = {("example.com/emptytopo", "E-0"), ("example.com/emptytopo", "E-1")}

    assert missing <= registered
    assert registered - missing == {(d.resource, d.device_id) for d in recorded_allocatable(release).devices}


@pytest.mark.parametrize("release", RELEASES)
def test_allocatable_devices_have_the_nodes_that_their_plugins_stated(release: str) -> None:
    """One row per device and node; -1 and no topology state nothing, and node 7 is what the plugin said."""
    found = [d for d in recorded_allocatable(release).devices if d.resource != "example.com/dup"]

    expected = [
        *(device_of("gpu", f"GPU-{number}", number // 2) for number in range(4)),
        *(device_of("minus1", f"M-{number}") for number in range(2)),
        device_of("node7", "S-0", 7),
        *(device_of("notopo", f"N-{number}") for number in range(2)),
        *(device_of("shared", f"GPU-uuid::{number}", 0) for number in range(3)),
        *(device_of("wide", f"W-{number}", 0, 1) for number in range(2)),
    ]
    assert expected == found


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_that_is_allocatable_is_malformed(release: str) -> None:
    """Whatever these releases send is understood."""
    assert () == recorded_allocatable(release).malformed


@pytest.mark.parametrize("release", RELEASES)
def test_v1alpha1_names_the_same_devices_and_nothing_else(release: str) -> None:
    """It has neither CPUs nor memory nor nodes, so v1 is asked; a device on two nodes is two equal rows there."""
    older = ListDecoder().decode(_read(release, "v1alpha1-list.bin"))

    held = {(p.key, c.name, d.resource, d.device_id) for p in older.pods for c in p.containers for d in c.devices}
    assert held == {
        (p.key, c.name, d.resource, d.device_id)
        for p in recorded_list(release).pods
        for c in p.containers
        for d in c.devices
    }
    assert {frozenset()} == {d.numa_nodes for p in older.pods for c in p.containers for d in c.devices}
    assert {frozenset()} == {p.all_exclusive_cpus() for p in older.pods}
