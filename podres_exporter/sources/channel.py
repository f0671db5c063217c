"""A long-lived gRPC channel to one of the kubelet's sockets, and the identity of that socket."""

from pathlib import Path

from podres_exporter.grpcio import grpc
from podres_exporter.sources.interfaces import SocketIdentity

_OPTIONS = [
    # Strict servers refuse a percent-encoded socket path as :authority; Kubernetes' own clients send localhost too.
    ("grpc.default_authority", "localhost"),
    # A kubelet is back within seconds; gRPC's default backoff of up to two minutes would be too slow.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # This is also the connect timeout, and a busy kubelet takes longer than 100 ms to accept.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A proxy variable in the environment must not apply to a socket on this machine.
    ("grpc.enable_http_proxy", 0),
    # The caller retries. gRPC's own retries are immediate and keep each attempt in memory: a server that accepts and
    # sends GOAWAY made them take 450 MiB in half a minute.
    ("grpc.enable_retries", 0),
    # No keepalive: grpc-go ends connections that are pinged too often.
]


def kubelet_channel(socket: Path, max_message_bytes: int) -> grpc.Channel:
    """Return the channel; gRPC connects at the first call, and reconnects whenever the kubelet comes back."""
    return grpc.insecure_channel(
        f"unix:{socket}", options=[*_OPTIONS, ("grpc.max_receive_message_length", max_message_bytes)]
    )


def socket_identity(socket: Path) -> SocketIdentity | None:
    """Return device, inode and mtime of the socket; None if it does not exist or cannot be accessed."""
    try:
        stat = socket.stat()
    except OSError:
        return None
    return SocketIdentity(stat.st_dev, stat.st_ino, stat.st_mtime_ns)
