"""Findings on the kubelet's socket: every state of its file, its mount and its listener."""

from dataclasses import replace
from typing import Any

import pytest
from check_rig import DIRECTORY, NOW, PATH, found, healthy, socket, verdicts

from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import Connection, FileKind, Outcome, SocketFile
from podres_exporter.check.mounts import Mount

FILE_MOUNT = Mount(PATH, "/kubelet.sock", is_read_only=False, file_system="ext4")


def of(name: str, **changes: Any) -> Finding:
    """Return the findings on a socket that differs in this way from a good one."""
    return found(healthy(socket=socket(**changes)), f"socket.{name}")


def file(kind: FileKind = FileKind.SOCKET, **changes: Any) -> SocketFile:
    return replace(SocketFile(kind, mode=0o755, changed_seconds=NOW - 7200), **changes)


def connection(outcome: Outcome, problem: str = "the system's word") -> Connection:
    return Connection(outcome, 0.001, problem)


def test_nothing_is_said_against_a_good_socket() -> None:
    assert {} == verdicts(healthy())


def test_a_good_file_is_told_with_the_length_that_may_become_a_problem() -> None:
    """sockaddr_un holds 107 bytes."""
    one = of("file")

    assert f"{PATH} ({len(PATH)} of 107 bytes)" == one.seen
    assert {"path": PATH, "path_bytes": len(PATH)} == one.facts


@pytest.mark.parametrize(
    ("spoilt", "seen", "remedy"),
    [
        (file(FileKind.MISSING, missing_directory=DIRECTORY), f"there is no {DIRECTORY}", "mount the directory"),
        (file(FileKind.MISSING, missing_directory="/var/lib/kubelet"), "no /var/lib/kubelet", "/var/lib/k0s/kubelet"),
        (file(FileKind.MISSING), "its directory does", "systemctl status kubelet"),
        (file(FileKind.DIRECTORY), "is a directory", "rmdir"),
        (file(FileKind.REGULAR), "a regular file", "--kubelet.socket"),
        (file(FileKind.OTHER), "something else", "--kubelet.socket"),
        (file(FileKind.OTHER, problem="Not a directory"), "Not a directory", "--kubelet.socket"),
    ],
)
def test_what_is_no_socket_fails_and_skips_the_rest(spoilt: SocketFile, seen: str, remedy: str) -> None:
    """Each way to have no socket has its own remedy."""
    evidence = healthy(socket=socket(file=spoilt, connection=None))
    one = found(evidence, "socket.file")

    assert Verdict.FAILED is one.verdict
    assert seen in one.seen
    assert remedy in one.remedy
    assert ["skipped"] * 3 == [verdicts(evidence)[f"socket.{name}"] for name in ("permission", "connect", "age")]


def test_a_directory_that_may_not_be_looked_into_is_a_matter_of_permission() -> None:
    """The kubelet makes it 0750 root:root."""
    changes: dict[str, Any] = {
        "file": file(FileKind.HIDDEN, problem="Permission denied"),
        "connection": None,
        "uid": 1000,
    }
    one = of("permission", **changes)

    assert Verdict.SKIPPED is of("file", **changes).verdict
    assert Verdict.FAILED is one.verdict
    assert f"UID 1000 may not read {DIRECTORY}" == one.seen
    assert "UID 0" in one.remedy


@pytest.mark.parametrize(
    ("uid", "owner_uid", "remedy"),
    [(1000, 0, "runAsUser: 0"), (0, 65534, "hostUsers: false"), (0, 0, "ausearch -m avc")],
    ids=["not root", "user namespace", "SELinux"],
)
def test_a_denied_connection_has_the_remedy_of_its_cause(uid: int, owner_uid: int, remedy: str) -> None:
    """Who we are and whose it is tell the causes apart."""
    changes: dict[str, Any] = {
        "uid": uid,
        "file": file(owner_uid=owner_uid),
        "connection": connection(Outcome.DENIED),
    }
    one = of("permission", **changes)

    assert Verdict.FAILED is one.verdict
    assert {"process_label": "", "socket_label": ""}.items() <= one.facts.items()
    assert f"permission denied: UID {uid}; the socket belongs to UID {owner_uid}, mode 0755" == one.seen
    assert remedy in one.remedy
    assert Verdict.SKIPPED is of("connect", **changes).verdict


def test_a_refused_connection_has_passed_the_check_of_permissions() -> None:
    """The kernel looks at the mode first."""
    one = of("permission", uid=1000, connection=connection(Outcome.REFUSED))

    assert (Verdict.OK, {"uid": 1000, "owner_uid": 0, "mode": "0755"}) == (one.verdict, one.facts)


@pytest.mark.parametrize(
    ("outcome", "seen", "remedy"),
    [
        (Outcome.REFUSED, "connection refused", "systemctl status kubelet"),
        (Outcome.BUSY, "does not accept connections: the system's word", "the kubelet hangs"),
        (Outcome.FAILED, "cannot connect: the system's word", "--kubelet.socket"),
    ],
)
def test_a_connection_that_does_not_come_about_fails(outcome: Outcome, seen: str, remedy: str) -> None:
    one = of("connect", connection=connection(outcome))

    assert Verdict.FAILED is one.verdict
    assert seen in one.seen
    assert remedy in one.remedy


@pytest.mark.parametrize(
    ("mount", "seen"),
    [
        (Mount("/", "/", is_read_only=False, file_system="ext4"), "no mount of its own"),
        (Mount(DIRECTORY, "/x", is_read_only=True, file_system="ext4"), f"the directory {DIRECTORY}, read-only, which"),
        (Mount("/var", "/x", is_read_only=False, file_system="ext4"), "the directory /var, read-write"),
    ],
)
def test_a_mounted_directory_is_right_read_only_or_not(mount: Mount, seen: str) -> None:
    """connect(2) asks for no write to the file system."""
    one = of("mount", mount=mount)

    assert Verdict.OK is one.verdict
    assert seen in one.seen


def test_a_mounted_file_that_still_works_is_a_warning() -> None:
    """It will be dead at the kubelet's next start."""
    one = of("mount", mount=FILE_MOUNT)

    assert Verdict.WARNING is one.verdict
    assert "when the kubelet restarts" in one.seen
    assert f"mount the directory {DIRECTORY}" in one.remedy


@pytest.mark.parametrize(
    ("mount", "outcome"),
    [(FILE_MOUNT, Outcome.REFUSED), (replace(FILE_MOUNT, root="/kubelet.sock//deleted"), Outcome.CONNECTED)],
    ids=["refused", "unlinked"],
)
def test_a_mounted_file_whose_kubelet_has_restarted_fails(mount: Mount, outcome: Outcome) -> None:
    """No process listens on the old socket, and none ever will."""
    one = of("mount", mount=mount, connection=connection(outcome))

    assert Verdict.FAILED is one.verdict
    assert "recreated its socket" in one.seen


def test_a_path_with_links_in_it_is_compared_with_the_mounts_as_it_really_is() -> None:
    """/var/run is /run on most machines."""
    mount = Mount("/run/k/kubelet.sock", "/x", is_read_only=False, file_system="tmpfs")

    assert (
        Verdict.WARNING
        is of("mount", path="/var/run/k/kubelet.sock", real_path="/run/k/kubelet.sock", mount=mount).verdict
    )


def test_mounts_that_cannot_be_told_are_skipped() -> None:
    one = of("mount", mount=None, mount_problem="/proc/self/mountinfo: No such file or directory")

    assert Verdict.SKIPPED is one.verdict
    assert "No such file" in one.seen


@pytest.mark.parametrize(
    ("age", "verdict", "seen"),
    [
        (7200, Verdict.OK, "created 2 hours ago, when the kubelet started"),
        (60, Verdict.OK, "created 60 s ago"),
        (59, Verdict.NOTE, "created 59 s ago"),
        (-0.5, Verdict.NOTE, "created 0 s ago"),
        (-3600, Verdict.NOTE, "created 60 minutes in the future"),
    ],
)
def test_a_young_kubelet_is_worth_a_note(age: float, verdict: Verdict, seen: str) -> None:
    """Its answers are held back for a while; file systems' times may be a little ahead."""
    one = of("age", file=file(changed_seconds=NOW - age))

    assert verdict is one.verdict
    assert seen in one.seen
    assert {"age_seconds": age} == one.facts


def test_paths_are_safe_to_print() -> None:
    assert r"/a\x1b[2J/s" in of("file", path="/a\x1b[2J/s").seen
