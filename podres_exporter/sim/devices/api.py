"""Names of the device plugin API and of extended resources; conversion of its messages to records and back."""

import re

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices.records import AllocateResult, DeviceNode, DeviceState, Mount, PluginOptions

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_MAX_PREFIX, _MAX_NAME = 253, 63
_QUOTA_PREFIX = "requests."


def is_extended_resource_name(name: str) -> bool:
    """
    Tell whether a plugin may register this name.

    It needs a domain of its own (so not `gpu`, nothing with `kubernetes.io/`), no `requests.` before it, and must still
    be a qualified name once a quota puts `requests.` before it: 253 - 9 characters of domain, 63 of name.

    Source: IsExtendedResourceName and IsNativeResource of pkg/apis/core/v1/helper/helpers.go, IsQualifiedName of
    k8s.io/apimachinery/pkg/util/validation.
    """
    if "/" not in name or "kubernetes.io/" in name or name.startswith(_QUOTA_PREFIX):
        return False
    return _is_qualified(_QUOTA_PREFIX + name)


def _is_qualified(name: str) -> bool:
    prefix, _, rest = name.partition("/")
    return (
        len(prefix) <= _MAX_PREFIX
        and len(rest) <= _MAX_NAME
        and _SUBDOMAIN.fullmatch(prefix) is not None
        and _NAME.fullmatch(rest) is not None
    )


VERSION = "v1beta1"
SUPPORTED_VERSIONS = (VERSION,)
REGISTRATION = "v1beta1.Registration"
DEVICE_PLUGIN = "v1beta1.DevicePlugin"
HEALTHY = "Healthy"
KUBELET_SOCKET = "kubelet.sock"


def state_of(device: pb.Device) -> DeviceState:
    """
    Return one device of a list.

    Presence decides, not the value: node 0 is a real node. Any health but "Healthy" is unhealthy, whatever its case
    (genericDeviceUpdateCallback of pkg/kubelet/cm/devicemanager/manager.go).
    """
    nodes = tuple(node.ID for node in device.topology.nodes) if device.HasField("topology") else None
    return DeviceState(nodes, device.health == HEALTHY)


def options_of(options: pb.DevicePluginOptions) -> PluginOptions:
    """Return a plugin's options."""
    return PluginOptions(options.pre_start_required, options.get_preferred_allocation_available)


def result_of(response: pb.ContainerAllocateResponse) -> AllocateResult:
    """Return the answer to Allocate for one container."""
    return AllocateResult(
        envs=dict(response.envs),
        mounts=tuple(Mount(each.container_path, each.host_path, each.read_only) for each in response.mounts),
        devices=tuple(DeviceNode(each.container_path, each.host_path, each.permissions) for each in response.devices),
        annotations=dict(response.annotations),
        cdi_names=tuple(each.name for each in response.cdi_devices),
        message=response.SerializeToString(deterministic=True),
    )
