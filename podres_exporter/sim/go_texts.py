"""How Go writes what the kubelet's error texts contain: part of the texts that plugins and agents may match."""

import json
from collections.abc import Iterable

import grpc

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


def rpc_error_text(error: grpc.RpcError) -> str:
    """
    Return the error as grpc-go prints it: `rpc error: code = Unavailable desc = ...`.

    Source: status.Error of google.golang.org/grpc/internal/status; code names of codes/code_string.go.
    """
    code = error.code()
    name = _CODE_NAMES.get(code) or code.name.title().replace("_", "")
    return f"rpc error: code = {name} desc = {error.details() or ''}"
