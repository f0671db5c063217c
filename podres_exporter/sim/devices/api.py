"""The device plugin API's names, and its messages to our records and back."""

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices.records import AllocateResult, DeviceNode, DeviceState, Mount, PluginOptions

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
