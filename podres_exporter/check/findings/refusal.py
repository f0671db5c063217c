"""Explain why root may not open the kubelet's socket: SELinux labels or an AppArmor profile."""

from podres_exporter.check.evidence import Labels

DEVICE_PLUGIN_TYPE = "container_device_plugin_t"
"""
The only container type that may connect to the kubelet's socket.

Source: containers/container-selinux, container.te and container.fc since v2.234.1 (September 2024):
stream_connect_pattern(container_device_plugin_t, container_var_lib_t, kubelet_var_lib_t, kubelet_t).
"""

_UNCONFINED_TYPE = "spc_t"
_OLD_DIRECTORY_TYPE = "container_var_lib_t"
_NEW_DIRECTORY_TYPE = "kubelet_var_lib_t"


def selinux_type(label: str) -> str:
    """Return the type of an SELinux label such as `system_u:system_r:container_t:s0:c1,c2`; empty if it is not one."""
    parts = label.split(":")
    return parts[2] if len(parts) >= 4 else ""


def security_module_remedy(labels: Labels) -> str:
    """Return what would let root of this node connect, given the labels of process and socket."""
    own, target = selinux_type(labels.process), selinux_type(labels.socket)
    if not own:
        return _without_selinux(labels.process)
    if own in {DEVICE_PLUGIN_TYPE, _UNCONFINED_TYPE} and (own, target) != (DEVICE_PLUGIN_TYPE, _OLD_DIRECTORY_TYPE):
        return (
            f"{own} is the right SELinux type, so a local policy of this node denies access: run ausearch -m avc -ts "
            "recent on the node"
        )
    match target:
        case t if t == _OLD_DIRECTORY_TYPE:
            return (
                f"the node's container-selinux is older than 2.234.1; no confined type may use the socket ({target}): "
                f"set seLinuxOptions: {{type: {_UNCONFINED_TYPE}}}, or update the policy"
            )
        case t if t == _NEW_DIRECTORY_TYPE:
            return (
                f"SELinux allows only {DEVICE_PLUGIN_TYPE} to use the socket ({target}), and this process is {own}: "
                f"set seLinuxOptions: {{type: {DEVICE_PLUGIN_TYPE}}} (on OpenShift: the chart's openshift.enabled=true)"
            )
        case _:
            return (
                f"SELinux denies {own}: set seLinuxOptions: {{type: {DEVICE_PLUGIN_TYPE}}} (on OpenShift by "
                f"openshift.enabled=true of the chart), or {_UNCONFINED_TYPE} where rpm -q container-selinux is older "
                "than 2.234.1"
            )


def _without_selinux(profile: str) -> str:
    """Return what to check if the process has no SELinux label but perhaps an AppArmor profile."""
    if profile and not profile.startswith("unconfined"):
        return (
            f"UID 0 is right, so the AppArmor profile {profile} or another security module denies access: dmesg shows "
            "DENIED lines on the node"
        )
    return (
        "UID 0 is right, so a security module denies access: look for AVC messages (ausearch -m avc) and DENIED lines "
        f"(dmesg) on the node; SELinux needs seLinuxOptions: {{type: {DEVICE_PLUGIN_TYPE}}}"
    )
