"""Format values as Go does (%q, %v), as they appear in the kubelet's error messages that clients may match."""

import json
from collections.abc import Iterable
from pathlib import Path

import grpc

_REFUSALS = {
    "Connection refused": "connection refused",
    "No such file or directory": "no such file or directory",
    "Permission denied": "permission denied",
}
_BROKEN = ("Stream removed", "Socket closed", "End of TCP stream", "Broken pipe")
_CODE_NAMES = {grpc.StatusCode.OK: "OK", grpc.StatusCode.CANCELLED: "Canceled"}


def quoted(text: str) -> str:
    """Return the text as %q writes it, for the names that occur here: in double quotes, escaped like JSON."""
    return json.dumps(text, ensure_ascii=False)


def quoted_slice(texts: Iterable[str]) -> str:
    """Return strings as %q writes a slice: ["a" "b"]."""
    return f"[{' '.join(map(quoted, texts))}]"


def plain_slice(texts: Iterable[str]) -> str:
    """Return strings as %v writes a slice: [a b]."""
    return f"[{' '.join(texts)}]"


def rpc_error_text(error: grpc.RpcError, path: Path | str = "") -> str:
    """
    Return the error as grpc-go prints it: `rpc error: code = Unavailable desc = ...`.

    Connection errors of this library are replaced by those of grpc-go; *path* is the socket's.

    Source: status.Error of google.golang.org/grpc/internal/status; code names of codes/code_string.go; texts of
    internal/transport/http2_client.go and of Go's net package.
    """
    code, text = error.code(), error.details() or ""
    name = _CODE_NAMES.get(code) or code.name.title().replace("_", "")
    return f"rpc error: code = {name} desc = {_in_go(code, text, str(path))}"


def _in_go(code: grpc.StatusCode, text: str, path: str) -> str:
    """Return what grpc-go says where the fault is the connection's; a status of the other side is passed on."""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and text == "Deadline Exceeded":
        return "context deadline exceeded"
    if code is grpc.StatusCode.CANCELLED and text == "Channel closed!":
        return "grpc: the client connection is closing"
    if code is not grpc.StatusCode.UNAVAILABLE:
        return text
    for words, reason in _REFUSALS.items():
        if words in text:
            return f'connection error: desc = "transport: Error while dialing: dial unix {path}: connect: {reason}"'
    if "Connection reset" in text:
        return f"error reading from server: read unix @->{path}: read: connection reset by peer"
    return "error reading from server: EOF" if any(words in text for words in _BROKEN) else text
