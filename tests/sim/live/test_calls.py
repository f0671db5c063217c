"""The log of calls to plugins, and choices repeatable by a seed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_bench import GPU, container, eventually, live_node, manifest
from plain_plugin import PlainPlugin, device, register

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.live import Control, LiveNode

REAL = "example.com/real"
RESPONSE = pb.ContainerAllocateResponse(
    envs={"B": "2", "A": "1"},
    mounts=[pb.Mount(container_path="/in", host_path="/out", read_only=True)],
    devices=[pb.DeviceSpec(container_path="/dev/x", host_path="/dev/real0", permissions="rw")],
    annotations={"a.b/c": "d"},
    cdi_devices=[pb.CDIDevice(name="example.com/real=x")],
)
SAID = (
    'env={"A": "1", "B": "2"} mounts=["/out:/in:ro"] devices=["/dev/real0:/dev/x:rw"] annotations={"a.b/c": "d"} '
    'cdi=["example.com/real=x"]'
)


@pytest.fixture
def node(short_dir: Path) -> Iterator[tuple[LiveNode, PlainPlugin]]:
    with live_node(short_dir) as (node, _):
        kubelet = node.devices.socket_path
        plugin = PlainPlugin(
            kubelet.with_name("real.sock"), device("x", 0), device("y", 0), device("z", health="Unhealthy")
        )
        plugin.options = pb.DevicePluginOptions(pre_start_required=True, get_preferred_allocation_available=True)
        plugin.preferred = pb.PreferredAllocationResponse(container_responses=[{"deviceIDs": ["y"]}])
        plugin.allocation = pb.AllocateResponse(container_responses=[RESPONSE])
        try:
            register(kubelet, plugin.serve().path.name, REAL)
            assert node.devices.wait_until(lambda: REAL in node.devices.known(), 10)
            yield node, plugin
        finally:
            plugin.close()


def test_each_call_is_told_with_its_answer(
    node: tuple[LiveNode, PlainPlugin], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    live, plugin = node
    live.create(manifest("a", container(real=1)))
    plugin.send(device("x", 0))
    assert eventually(lambda: "-> healthy=x" == Control(live).execute(f"calls {REAL}").splitlines()[-1][-12:])
    listed, preferred, allocated, started, update = Control(live).execute(f"calls {REAL}").splitlines()

    assert f"{REAL} ListAndWatch -> healthy=x,y unhealthy=z" == listed
    assert preferred.startswith(f"{REAL} GetPreferredAllocation available=")
    assert preferred.endswith("must=none size=1 -> y")
    assert f"{REAL} Allocate y -> {SAID}" == allocated
    assert f"{REAL} PreStartContainer y -> ok" == started
    assert f"{REAL} ListAndWatch -> healthy=x" == update
    assert f"main {REAL} {SAID}" == Control(live).execute("given default/a")
    told = [record for record in caplog.records if record.message == "sim.plugin.call"]
    assert "Allocate" in {record.__dict__["method"] for record in told}


def test_a_call_that_fails_is_told_too(node: tuple[LiveNode, PlainPlugin]) -> None:
    live, plugin = node
    plugin.errors["Allocate"] = "on fire"
    live.create(manifest("a", container(real=1)))

    assert f"{REAL} Allocate y -> error: rpc error: code = Unknown desc = on fire" in Control(live).execute("calls")
    assert "nothing" == Control(live).execute("given default/a")
    assert "no calls" == Control(live).execute("calls example.com/none")


def test_thousands_of_devices_are_counted(short_dir: Path) -> None:
    devices = ", ".join(f"{{id: d{number:04}}}" for number in range(3000))
    scenario = f"numa: [{{node: 0, cpus: 0-3, memory: 1Gi}}]\nresources: [{{name: {GPU}, devices: [{devices}]}}]"
    with LiveNode(parse_scenario(scenario, "test"), short_dir, SystemClock()) as node:
        (line,) = Control(node).execute("calls").splitlines()

    assert line.endswith("-> healthy=d0000,d0001,d0002,d0003,d0004,d0005,d0006,d0007,... (3000)")


def chosen(directory: Path, seed: int | None) -> list[str]:
    """Return the devices of three pods; the plugin has no preference."""
    scenario = f"numa: [{{node: 0, cpus: 0-3, memory: 1Gi}}]\nresources: [{{name: {REAL}, external: true}}]"
    with LiveNode(parse_scenario(scenario, "test"), directory, SystemClock(), seed) as node:
        kubelet = node.devices.socket_path
        plugin = PlainPlugin(kubelet.with_name("real.sock"), *(device(f"d{number}") for number in range(9)))
        try:
            register(kubelet, plugin.serve().path.name, REAL)
            assert node.devices.wait_until(lambda: REAL in node.devices.known(), 10)
            for name in "abc":
                node.create(manifest(name, container(real=1)))
            return [each.device_id for name in "abc" for held in node.pods.held(name) for each in held.devices]
        finally:
            plugin.close()


def test_which_devices_are_taken_is_left_to_the_seed(short_dir: Path) -> None:
    """A kubelet takes what its maps begin with; a plugin that relies on an order is found out."""
    drawn = chosen(short_dir / "1", 1)

    assert drawn == chosen(short_dir / "2", 1)
    assert drawn != chosen(short_dir / "3", 2)
    assert ["d0", "d1", "d2"] == chosen(short_dir / "4", None)
