"""The device file of the sample plugin."""

from pathlib import Path

import pytest

from podres_exporter.errors import ConfigError
from podres_exporter.sim.devices import DeviceState
from podres_exporter.sim.plugin.device_file import file_id, parse_devices, read_devices

YAML = """
devices:
  - {id: gpu-1, numa_nodes: [0, 1], healthy: false}
  - {id: gpu-0, numa_nodes: [0]}
  - {id: empty, numa_nodes: []}
  - {id: minus, numa_nodes: [-1]}
  - {id: none}
"""


def test_devices_come_in_the_order_of_the_file_with_their_topology_as_stated() -> None:
    assert [
        ("gpu-1", DeviceState((0, 1), healthy=False)),
        ("gpu-0", DeviceState((0,))),
        ("empty", DeviceState(())),
        ("minus", DeviceState((-1,))),
        ("none", DeviceState(None)),
    ] == list(parse_devices(YAML, "f").items())


def test_json_is_read_too() -> None:
    assert {"a": DeviceState((1,))} == parse_devices('{"devices": [{"id": "a", "numa_nodes": [1]}]}', "f")


def test_no_devices_are_legal() -> None:
    assert {} == parse_devices("devices: []", "f")


SHAPE = "f: must be a mapping with one key, devices, which is a list"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [SHAPE]),
        ("[]", [SHAPE]),
        ("devices: 1", [SHAPE]),
        ("{devices: [], more: 1}", [SHAPE]),
        ("devices: [1]", ["f: devices[0]: must be a mapping with id, and optionally numa_nodes and healthy"]),
        ("devices: [{}]", ["f: devices[0].id: must be a text that is not empty; quote it if it looks like a number"]),
        (
            "devices: [{id: 1}]",
            ["f: devices[0].id: must be a text that is not empty; quote it if it looks like a number"],
        ),
        ("devices: [{id: a, healthy: 1}]", ["f: devices[0].healthy: must be true or false"]),
        ("devices: [{id: a, numa_nodes: 0}]", ["f: devices[0].numa_nodes: must be a list of node numbers"]),
        ("devices: [{id: a, numa_nodes: [true]}]", ["f: devices[0].numa_nodes: must be a list of node numbers"]),
        (
            "devices: [{id: a, health: x}]",
            ["f: devices[0]: unknown key health; known are healthy, id and numa_nodes"],
        ),
        (
            "devices: [{id: a}, {id: a}, {id: b, healthy: x}]",
            [
                "f: devices[1].id: a comes twice; give each device an id of its own",
                "f: devices[2].healthy: must be true or false",
            ],
        ),
    ],
)
def test_every_fault_is_named_with_its_place(text: str, problems: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_devices(text, "f")

    assert tuple(problems) == caught.value.problems


def test_what_is_no_yaml_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="f: is neither YAML nor JSON"):
        parse_devices("devices: [", "f")


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_devices(tmp_path / "none.yaml")


def test_a_file_has_an_identity_that_a_write_changes(tmp_path: Path) -> None:
    path = tmp_path / "devices.yaml"
    before = file_id(path)
    path.write_text("devices: []")
    first = file_id(path)
    path.write_text(YAML)

    assert before is None
    assert first != file_id(path)
