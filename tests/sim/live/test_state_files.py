"""The kubelet's state files while pods come and go."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

from live_bench import CLAIMS, GPU, NUMA, RESOURCES, eventually, live_node
from node_rig import container, pod

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS, Event
from podres_exporter.sim.live import LiveNode

ODD = "example.com/odd"


def read(directory: Path, name: str) -> Any:
    return json.loads((directory / name).read_text(encoding="utf-8"))


def test_what_a_pod_is_given_is_in_the_files_before_its_status_says_that_it_runs(short_dir: Path) -> None:
    """sriov-network-metrics-exporter reads cpu_manager_state, NFD watches the checkpoint."""
    seen: list[tuple[Any, Any, Any]] = []

    def look(event: Event) -> None:
        if event.resource is PODS and event.item.get("status", {}).get("phase") == "Running":
            seen.append(
                (
                    read(short_dir, "cpu_manager_state"),
                    read(short_dir, "memory_manager_state"),
                    read(short_dir, "device-plugins/kubelet_internal_checkpoint"),
                )
            )

    with live_node(short_dir) as (node, _):
        node.store.subscribe(look)
        created = node.create(pod("a", container("main", "2", {GPU: 1}, "64Mi")))
        uid = created["metadata"]["uid"]
        cpus, memory, devices = seen[0]
        node.store.delete(PODS, "default", "a")
        node.tick()

        assert {uid: {"main": "1-2"}} == cpus["entries"]
        assert ("static", "0,3-7") == (cpus["policyName"], cpus["defaultCpuSet"])
        assert [{"numaAffinity": [0], "type": "memory", "size": 64 << 20}] == memory["entries"][uid]["main"]
        (entry,) = devices["Data"]["PodDeviceEntries"]
        assert (uid, "main", GPU, {"0": ["GPU-0"]}) == tuple(
            entry[key] for key in ("PodUID", "ContainerName", "ResourceName", "DeviceIDs")
        )
        answer = pb.ContainerAllocateResponse.FromString(base64.b64decode(entry["AllocResp"]))
        assert {"EXAMPLE_COM_GPU": "GPU-0"} == dict(answer.envs)
        assert ["GPU-0", "GPU-1"] == devices["Data"]["RegisteredDevices"][GPU]
        assert "entries" not in read(short_dir, "cpu_manager_state")
        assert 0o600 == stat.S_IMODE((short_dir / "cpu_manager_state").stat().st_mode)


def test_a_kubelet_without_static_policies_writes_what_it_has(short_dir: Path) -> None:
    head = "kubelet: {cpu_manager: {policy: none}, memory_manager: {policy: None}}\n"
    scenario = parse_scenario(f"{head}{NUMA}{CLAIMS}{RESOURCES}", "test")
    with LiveNode(scenario, short_dir, SystemClock()):
        assert "none" == read(short_dir, "cpu_manager_state")["policyName"]
        assert {} == read(short_dir, "memory_manager_state")["machineState"]


def test_files_survive_a_restart_and_name_no_device_until_plugins_register_again(short_dir: Path) -> None:
    """A checkpoint is what a kubelet comes back with; healthy devices are those of plugins that are there."""
    with live_node(short_dir) as (node, _):
        node.create(pod("a", container("main", "1", {GPU: 1}, "64Mi")))
        before = read(short_dir, "device-plugins/kubelet_internal_checkpoint")["Data"]["PodDeviceEntries"]
        node.stop_plugin(GPU)
        node.restart_kubelet()

        def after() -> Any:
            return read(short_dir, "device-plugins/kubelet_internal_checkpoint")["Data"]

        # It is written again when another plugin, which comes back, sends its list.
        assert eventually(lambda: [] == after()["RegisteredDevices"][GPU])
        assert before == after()["PodDeviceEntries"]


def test_a_plugin_that_dies_leaves_the_checkpoint_as_it_is(short_dir: Path) -> None:
    """It is written when devices are given or listed; what has been lost by then goes with that (measured: 1.36.3)."""
    with live_node(short_dir) as (node, _):
        node.tick()
        node.stop_plugin(GPU)
        assert eventually(lambda: not node.devices.healthy()[GPU])
        node.tick()
        before = read(short_dir, "device-plugins/kubelet_internal_checkpoint")["Data"]["RegisteredDevices"]
        node.create(pod("a", container("main", "1", {ODD: 1}, "64Mi")))
        after = read(short_dir, "device-plugins/kubelet_internal_checkpoint")["Data"]["RegisteredDevices"]

    assert (2, 0) == (len(before[GPU]), len(after[GPU]))
