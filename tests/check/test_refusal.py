"""Root may not open the socket: SELinux with the type that is needed, AppArmor, or an unknown cause."""

from typing import Any

import pytest
from check_rig import NOW, found, healthy, socket

from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import Connection, FileKind, Labels, Outcome, SocketFile
from podres_exporter.check.findings.refusal import selinux_type

CONTAINER = "system_u:system_r:container_t:s0:c12,c345"
DEVICE_PLUGIN = "system_u:system_r:container_device_plugin_t:s0:c12,c345"
UNCONFINED = "system_u:system_r:spc_t:s0"
NEW_SOCKET = "system_u:object_r:kubelet_var_lib_t:s0"
OLD_SOCKET = "system_u:object_r:container_var_lib_t:s0"


def refused(process: str, target: str, **changes: Any) -> Finding:
    """Return what is said where root was refused under these labels."""
    spoilt = {
        "labels": Labels(process, target),
        "connection": Connection(Outcome.DENIED, 0.001, "Permission denied"),
        **changes,
    }
    return found(healthy(socket=socket(**spoilt)), "socket.permission")


@pytest.mark.parametrize(
    ("process", "target", "remedy", "not_said"),
    [
        (
            CONTAINER,
            NEW_SOCKET,
            "this process is container_t: set seLinuxOptions: {type: container_device_plugin_t}",
            "spc",
        ),
        (
            CONTAINER,
            OLD_SOCKET,
            "(container_var_lib_t): set seLinuxOptions: {type: spc_t}",
            "container_device_plugin_t",
        ),
        (DEVICE_PLUGIN, OLD_SOCKET, "is older than 2.234.1", "is the right"),
        (CONTAINER, "", "spc_t where rpm -q container-selinux is older than 2.234.1", "is the right"),
        (
            DEVICE_PLUGIN,
            NEW_SOCKET,
            "container_device_plugin_t is the right SELinux type, so a local policy of",
            "set seLinux",
        ),
        (UNCONFINED, OLD_SOCKET, "spc_t is the right SELinux type", "set seLinux"),
        (
            "system_u:system_r:my_t:s0",
            "system_u:object_r:var_t:s0",
            "SELinux denies my_t: set seLinuxOptions",
            "older t ",
        ),
        ("cri-containerd.apparmor.d (enforce)", "", "AppArmor profile cri-containerd.apparmor.d (enforce)", "SELinux"),
        ("unconfined", "", "a security module denies access: look for AVC messages", "AppArmor profile"),
        ("", "", "ausearch -m avc", "AppArmor profile"),
    ],
)
def test_the_labels_name_the_cause_and_the_type_that_is_needed(
    process: str, target: str, remedy: str, not_said: str
) -> None:
    """Advice for the wrong policy either does nothing, or gives away more than is needed."""
    one = refused(process, target)

    assert Verdict.FAILED is one.verdict
    assert remedy in one.remedy
    assert not_said not in one.remedy
    assert (process, target) == (one.facts["process_label"], one.facts["socket_label"])


def test_a_directory_that_selinux_hides_from_root_is_a_refusal_of_the_same_kind() -> None:
    """The label of the directory is then all that is known of the target."""
    hidden = SocketFile(FileKind.HIDDEN, "Permission denied", changed_seconds=NOW)
    one = refused(CONTAINER, NEW_SOCKET, file=hidden, connection=None)

    assert (Verdict.FAILED, "UID 0 may not read /var/lib/kubelet/pod-resources") == (one.verdict, one.seen)
    assert "set seLinuxOptions: {type: container_device_plugin_t}" in one.remedy


@pytest.mark.parametrize(("uid", "owner_uid"), [(1000, 0), (0, 65534)])
def test_another_user_is_the_cause_before_any_label(uid: int, owner_uid: int) -> None:
    """The mode of the socket is looked at first."""
    file = SocketFile(FileKind.SOCKET, mode=0o755, owner_uid=owner_uid, changed_seconds=NOW)

    assert "seLinuxOptions" not in refused(CONTAINER, NEW_SOCKET, uid=uid, file=file).remedy


@pytest.mark.parametrize(
    ("label", "expected"),
    [(CONTAINER, "container_t"), (UNCONFINED, "spc_t"), ("unconfined", ""), ("a:b:c", ""), ("", "")],
)
def test_a_type_is_the_third_part_of_a_label(label: str, expected: str) -> None:
    assert expected == selinux_type(label)


def test_control_characters_of_a_label_are_not_printed() -> None:
    """A label is a text of the node's, as a profile's name is."""
    assert "\x1b" not in refused("evil\x1b[31m (enforce)", "").remedy
