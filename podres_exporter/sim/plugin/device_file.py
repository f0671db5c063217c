"""Read the file that lists the devices of the sample plugin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from podres_exporter.errors import ConfigError
from podres_exporter.sim.devices.records import DeviceState

_KEYS = frozenset({"id", "numa_nodes", "healthy"})

FileId = tuple[int, int, int]
"""(inode, modification time in ns, size in bytes)."""


def file_id(path: Path) -> FileId | None:
    """Return what changes when the file is written or replaced; None if it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_devices(path: Path) -> Mapping[str, DeviceState]:
    """Return the devices of a YAML or JSON file; raises ConfigError with every fault, where it cannot be read too."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    return parse_devices(text, str(path))


def parse_devices(text: str, name: str) -> Mapping[str, DeviceState]:
    """
    Return the devices of a document, in its order.

        devices:
          - {id: gpu-0, numa_nodes: [0]}
          - {id: gpu-1, numa_nodes: [0, 1], healthy: false}
          - {id: gpu-2}

    Without *numa_nodes* a device states no topology; an empty list is a topology without nodes; -1 is legal. Raises
    ConfigError with every fault, *name* before each.
    """
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: is neither YAML nor JSON: {error}"]) from error
    if not isinstance(document, dict) or not isinstance(document.get("devices"), list) or len(document) > 1:
        raise ConfigError([f"{name}: must be a mapping with one key, devices, which is a list"])
    problems: list[str] = []
    devices: dict[str, DeviceState] = {}
    for index, entry in enumerate(document["devices"]):
        where = f"{name}: devices[{index}]"
        faults = [f"{where}{fault}" for fault in _faults(entry)]
        if not faults and entry["id"] in devices:
            faults = [f"{where}.id: {entry['id']} comes twice; give each device an id of its own"]
        if not faults:
            nodes = entry.get("numa_nodes")
            devices[entry["id"]] = DeviceState(None if nodes is None else tuple(nodes), entry.get("healthy", True))
        problems += faults
    if problems:
        raise ConfigError(problems)
    return devices


def _faults(entry: object) -> list[str]:
    """Return what is wrong with one device, each with its place in the entry."""
    if not isinstance(entry, dict):
        return [": must be a mapping with id, and optionally numa_nodes and healthy"]
    faults = [f": unknown key {key}; known are healthy, id and numa_nodes" for key in entry if key not in _KEYS]
    if not isinstance(entry.get("id"), str) or not entry["id"]:
        faults.append(".id: must be a text that is not empty; quote it if it looks like a number")
    if not isinstance(entry.get("healthy", True), bool):
        faults.append(".healthy: must be true or false")
    nodes = entry.get("numa_nodes")
    if nodes is not None and not (isinstance(nodes, list) and all(type(node) is int for node in nodes)):
        faults.append(".numa_nodes: must be a list of node numbers")
    return faults
