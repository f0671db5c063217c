"""A plain gRPC client of the simulated kubelet, without code of the package."""

from pathlib import Path
from random import Random
from typing import NamedTuple

import grpc

from podres_exporter._proto import podresources_v1_pb2 as pb

LIST = "/v1.PodResourcesLister/List"
ALLOCATABLE = "/v1.PodResourcesLister/GetAllocatableResources"
GET = "/v1.PodResourcesLister/Get"
ALPHA_LIST = "/v1alpha1.PodResourcesLister/List"

_OPTIONS = (
    ("grpc.default_authority", "localhost"),
    ("grpc.max_receive_message_length", -1),
    # Each call has a connection of its own, so that none waits for another one's reconnect backoff.
    ("grpc.use_local_subchannel_pool", 1),
)


class Reply(NamedTuple):
    """What one call came to; *body* is empty where *code* is not OK."""

    code: grpc.StatusCode
    details: str
    body: bytes


def ask(path: Path, method: str, request: bytes = b"", timeout_seconds: float = 60.0) -> Reply:
    """Make one call over a new connection to the socket at *path*."""
    with grpc.insecure_channel(f"unix:{path}", options=_OPTIONS) as channel:
        try:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
            body = call(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            return Reply(error.code(), error.details() or "", b"")
        return Reply(grpc.StatusCode.OK, "", body)


def get_request(name: str, namespace: str = "default") -> bytes:
    """Return the request of Get for one pod."""
    return pb.GetPodResourcesRequest(pod_name=name, pod_namespace=namespace).SerializeToString()


def pods_in(reply: Reply) -> list[str]:
    """Return the sorted pod names in an answer to List."""
    assert grpc.StatusCode.OK == reply.code, reply.details

    return sorted(pod.name for pod in pb.ListPodResourcesResponse.FromString(reply.body).pod_resources)


def dice(seed: int = 0) -> Random:
    """Return chance that can be repeated."""
    return Random(seed)  # noqa: S311 - no secret
