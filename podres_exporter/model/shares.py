"""Ids of shared devices: split an id into the physical device and the number of its share."""

import re

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PHYSICAL = rf"(?:[A-Z]{{2,8}}-)+{_UUID}"

_PATTERNS = (
    # NVIDIA k8s-device-plugin internal/rm/devices.go (time-slicing and MPS); GKE's plugin
    (("::", "/vgpu"), re.compile(r"(?P<base>.+)(?:::|/vgpu)(?P<share>[0-9]+)", re.DOTALL)),
    # gpushare-device-plugin and cambricon-k8s-device-plugin
    (("-_-",), re.compile(r"(?P<base>.+)-_-(?P<share>[0-9]+)", re.DOTALL)),
    # nvshare's plugin
    (("__",), re.compile(rf"(?P<base>{_PHYSICAL})__(?P<share>[0-9]+)")),
    # HAMi and Volcano's vGPU plugins: a number is certain to be a share only behind a device's full UUID
    (("-",), re.compile(rf"(?P<base>{_PHYSICAL})-(?P<share>[0-9]+)")),
)
_OF_RESOURCES = {"gpu.intel.com": re.compile(r"(?P<base>card[0-9]+)-(?P<share>[0-9]+)")}
"""Patterns that are unambiguous only under the resources of one domain: Intel's GPU plugin, whose ids are `card0-1`."""


_SHARE_OF_UUID = re.compile(r"-[0-9a-fA-F]{12}-[0-9]")


def may_have_shares(text: str) -> bool:
    """Return whether any id or resource in this text may be a share; a fast test for thousands at once."""
    return (
        "::" in text
        or "/vgpu" in text
        or "__" in text
        or "-_-" in text
        or any(domain in text for domain in _OF_RESOURCES)
        or _SHARE_OF_UUID.search(text) is not None
    )


def split_replica(device_id: str, resource: str = "") -> tuple[str, str]:
    """
    Return the physical device and the share in an id such as `GPU-7f3c::3` or `GPU-7f3c/vgpu2`.

    An id of any other shape is its own base, with an empty share: ids that only look like shares (`kvm12`,
    `amdgpu_xcp_30`, `Ascend910-0`, a PCI or MAC address) are not split.
    """
    for marks, pattern in _PATTERNS:
        if any(mark in device_id for mark in marks) and (match := pattern.fullmatch(device_id)):
            return match["base"], match["share"]
    domain = _OF_RESOURCES.get(resource.partition("/")[0]) if resource else None
    if domain is not None and (match := domain.fullmatch(device_id)):
        return match["base"], match["share"]
    return device_id, ""


def share_of(device_id: str, resource: str, chosen: tuple[str, ...]) -> tuple[str, str]:
    """
    Return the same for a held device, given the devices named in a scheduler's annotation (*chosen*).

    If the annotation names other devices, the plugin provides one of those regardless of the id. The id is then not a
    share of the device in use, and is not split, so that nothing is joined to the wrong device.
    """
    base, share = split_replica(device_id, resource)
    return (device_id, "") if share and chosen and base not in chosen else (base, share)
