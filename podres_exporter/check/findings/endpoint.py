"""Findings on the kubelet's socket: existence, permission, mount, connection and age."""

from podres_exporter.check.evidence import FileKind, Outcome, Socket
from podres_exporter.check.finding import Facts, Finding, failed, note, ok, skipped, warning
from podres_exporter.check.findings.refusal import security_module_remedy
from podres_exporter.printable import printable
from podres_exporter.text.amounts import age_text, seconds_text

LONGEST_PATH_BYTES = 107
"""The size of sun_path in sockaddr_un, less its terminating zero (unix(7))."""

_OVERFLOW_UID = 65534
"""The UID that the kernel shows for owners unknown to a user namespace (user_namespaces(7))."""

_START = "start it (systemctl status kubelet, journalctl -u kubelet)"


def socket_findings(socket: Socket, hold_down_seconds: float, wall_seconds: float) -> list[Finding]:
    """Return the findings on file, permission, mount, connection and age."""
    return [
        _file(socket),
        _permission(socket),
        _mount(socket),
        _connect(socket),
        _age(socket, hold_down_seconds, wall_seconds),
    ]


def _directory(socket: Socket) -> str:
    return printable(socket.path.rpartition("/")[0] or "/")


def _mount_advice(socket: Socket) -> str:
    return f"mount the directory {_directory(socket)} (hostPath, type: Directory, readOnly: true), never the file"


def _file(socket: Socket) -> Finding:
    name, path, used = "socket.file", printable(socket.path), len(socket.path.encode())
    match socket.file.kind:
        case FileKind.SOCKET:
            text = f"{path} ({used} of {LONGEST_PATH_BYTES} bytes)"
            return ok(name, text, path=socket.path, path_bytes=used)
        case FileKind.HIDDEN:
            return skipped(name, f"{path} cannot be examined: {socket.file.problem} (socket.permission)")
        case FileKind.MISSING:
            return _missing(socket)
        case FileKind.DIRECTORY:
            seen = (
                f"{path} is a directory: if a pod mounts the socket file itself, a directory is created when the "
                "kubelet starts later"
            )
            return failed(name, seen, f"remove it on the node (rmdir) and {_mount_advice(socket)}", path=socket.path)
        case _:
            what = printable(socket.file.problem) or f"a {socket.file.kind.value}"
            seen = f"{path} is not a socket: {what}"
            return failed(name, seen, "check --kubelet.socket", path=socket.path)


def _missing(socket: Socket) -> Finding:
    """Return where the path ends: without its directory the mount is wrong, with it the kubelet is missing."""
    name, gone = "socket.file", socket.file.missing_directory
    if gone:
        seen = f"{printable(socket.path)} does not exist, because there is no {printable(gone)}"
        remedy = (
            f"in a pod, {_mount_advice(socket)}; a kubelet with another --root-dir has its socket elsewhere (k0s: "
            "/var/lib/k0s/kubelet, MicroK8s: /var/snap/microk8s/common/var/lib/kubelet): set --kubelet.socket as well"
        )
    else:
        seen = f"{printable(socket.path)} does not exist; its directory does"
        remedy = (
            f"the kubelet has not started yet, or has another --root-dir: {_START}; in a pod, check that the volume "
            "is the node's directory and not an empty one (hostPath, type: Directory, not DirectoryOrCreate)"
        )
    return failed(name, seen, remedy, path=socket.path)


def _permission(socket: Socket) -> Finding:
    """Return whether connecting is allowed: a refused connection has passed the permission check."""
    name, file = "socket.permission", socket.file
    facts: Facts = {"uid": socket.uid, "owner_uid": file.owner_uid, "mode": f"{file.mode:04o}"}
    labels: Facts = {"process_label": socket.labels.process, "socket_label": socket.labels.socket}
    if file.kind is FileKind.HIDDEN:
        return failed(
            name, f"UID {socket.uid} may not read {_directory(socket)}", _remedy(socket), uid=socket.uid, **labels
        )
    if file.kind is not FileKind.SOCKET:
        return skipped(name, "there is no socket (socket.file)")
    seen = f"UID {socket.uid}; the socket belongs to UID {file.owner_uid}, mode {file.mode:04o}"
    if socket.connection is not None and socket.connection.outcome is Outcome.DENIED:
        return failed(name, f"permission denied: {seen}", _remedy(socket), **facts, **labels)
    return ok(name, seen, **facts)


def _remedy(socket: Socket) -> str:
    """Return what would allow connecting: connect(2) needs write permission, and no security module that denies it."""
    if socket.uid != 0:
        return "run as UID 0 (runAsUser: 0); it needs no capability, no privilege and no host namespace"
    if socket.file.owner_uid == _OVERFLOW_UID:
        return "UID 0 of a user namespace is not the node's: remove hostUsers: false"
    return printable(security_module_remedy(socket.labels))


def _mount(socket: Socket) -> Finding:
    name, mount = "socket.mount", socket.mount
    if socket.file.kind in {FileKind.MISSING, FileKind.HIDDEN}:
        return skipped(name, "there is no socket (socket.file)")
    if mount is None:
        return skipped(name, f"mounts are not known: {printable(socket.mount_problem)}")
    point = printable(mount.point)
    facts: Facts = {"mount_point": mount.point, "read_only": mount.is_read_only, "file_system": mount.file_system}
    if mount.point == socket.real_path:
        return _file_mount(socket, is_deleted=mount.is_deleted)
    if mount.point == "/":
        return ok(name, "no mount of its own, as on the node itself", **facts)
    way = "read-only, which is enough" if mount.is_read_only else "read-write"
    return ok(name, f"the directory {point}, {way}", **facts)


def _file_mount(socket: Socket, *, is_deleted: bool) -> Finding:
    """
    Return that the socket file itself is mounted: the kubelet recreates it at each start, but the mount keeps the old
    one.
    """
    name, point = "socket.mount", socket.real_path
    if is_deleted or not socket.is_connected:
        seen = "the socket's file is mounted, and the kubelet has recreated its socket since, or is down"
        return failed(name, seen, f"{_mount_advice(socket)}, and restart the pod", mount_point=point)
    seen = "the socket's file is mounted: it stops working for good when the kubelet restarts"
    return warning(name, seen, _mount_advice(socket), mount_point=point)


def _connect(socket: Socket) -> Finding:
    name, connection = "socket.connect", socket.connection
    if connection is None:
        return skipped(name, "there is no socket (socket.file)")
    problem = printable(connection.problem)
    match connection.outcome:
        case Outcome.CONNECTED:
            took = seconds_text(connection.seconds)
            return ok(name, f"a process listens; connected in {took}", seconds=connection.seconds)
        case Outcome.DENIED:
            return skipped(name, "not allowed (socket.permission)")
        case Outcome.REFUSED:
            seen = "connection refused: a killed kubelet leaves its socket file behind"
            return failed(name, seen, f"the kubelet is not running: {_START}; in a pod, see also socket.mount")
        case Outcome.BUSY:
            seen = f"a process listens but does not accept connections: {problem}"
            return failed(name, seen, "the kubelet hangs: journalctl -u kubelet, then systemctl restart kubelet")
        case _:
            seen = f"cannot connect: {problem}"
            return failed(name, seen, "check --kubelet.socket: the kubelet's is a stream socket")


def _age(socket: Socket, hold_down_seconds: float, wall_seconds: float) -> Finding:
    """Return how long ago the kubelet started, from the age of its socket."""
    name = "socket.age"
    if socket.file.kind is not FileKind.SOCKET:
        return skipped(name, "there is no socket (socket.file)")
    age = wall_seconds - socket.file.changed_seconds
    facts: Facts = {"age_seconds": round(age, 1)}
    if age < -1:
        seen = f"created {age_text(-age)} in the future: this machine's clock has been set back since"
        return note(
            name,
            seen,
            "synchronise the clock; until then every answer is taken for that of a freshly started kubelet",
            **facts,
        )
    seen = f"created {age_text(max(age, 0.0))} ago, when the kubelet started"
    if age < hold_down_seconds:
        remedy = (
            f"wait: for up to {age_text(hold_down_seconds)} (--snapshot.hold-down) serve may still show pods from "
            "before the restart, and these findings may be incomplete"
        )
        return note(name, seen, remedy, **facts)
    return ok(name, seen, **facts)
