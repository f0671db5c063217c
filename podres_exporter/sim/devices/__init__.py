"""
The kubelet's Device Manager for the v1beta1 device plugin API: registration, device lists, health, allocation.

Real device plugins register with it, by calling Register or through the plugin watcher's directory.
"""

from podres_exporter.sim.devices.calls import Call, result_text
from podres_exporter.sim.devices.ledger import STOP_GRACE_SECONDS, Stock
from podres_exporter.sim.devices.manager import DeviceManager
from podres_exporter.sim.devices.records import (
    AllocateResult,
    DeviceNode,
    DeviceState,
    Mount,
    PluginError,
    PluginOptions,
)

__all__ = [
    "STOP_GRACE_SECONDS",
    "AllocateResult",
    "Call",
    "DeviceManager",
    "DeviceNode",
    "DeviceState",
    "Mount",
    "PluginError",
    "PluginOptions",
    "Stock",
    "result_text",
]
