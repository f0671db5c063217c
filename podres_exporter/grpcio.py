"""
gRPC, imported without OpenSSL.

`grpc` imports asyncio, and that imports `ssl`, which takes 4 MiB on every node, though the kubelet's sockets are Unix
sockets and nothing here uses asyncio. asyncio has a path for a Python without `ssl` (`except ImportError: ssl = None`).
"""

import sys

_HIDDEN = "ssl"

if _HIDDEN in sys.modules:
    import grpc
else:
    sys.modules[_HIDDEN] = None  # type: ignore[assignment]  # an import of it raises ModuleNotFoundError
    try:
        import grpc
    finally:
        del sys.modules[_HIDDEN]

__all__ = ["grpc"]
