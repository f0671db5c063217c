"""Evidence of a healthy node, to be modified by tests, and the findings of `check` on it."""

from dataclasses import replace
from typing import Any

from builders import GPU, allocatable, container, gpu, listing, pod

from podres_exporter.check import Evidence, Finding, judge
from podres_exporter.check.evidence import (
    AccessAnswer,
    Account,
    ApiServer,
    Call,
    Connection,
    DeviceManager,
    DraAccess,
    FileKind,
    Look,
    Outcome,
    PodsAnswer,
    Settings,
    Socket,
    SocketFile,
)
from podres_exporter.check.mounts import Mount
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import ContainerKind, ContainerSpec, Dra, Listing, Metadata, PodMeta, Topology

NOW = 1_700_000_000.0
DIRECTORY = "/var/lib/kubelet/pod-resources"
PATH = f"{DIRECTORY}/kubelet.sock"
TRAIN = pod("train", container("main", gpu("GPU-0", 0), cpus="2-3"), namespace="ml")
TOPOLOGY = Topology({0: parse_cpuset("0-3"), 1: parse_cpuset("4-7")})


def meta(name: str = "train", namespace: str = "ml", **more: Any) -> PodMeta:
    """Return a running pod that has asked for a GPU and two CPUs."""
    spec = ContainerSpec("main", ContainerKind.APP, devices=((GPU, 1),), cpu_millicores=2000)
    facts: dict[str, Any] = {"phase": "Running", "qos_class": "Guaranteed", "has_started": True, "containers": (spec,)}
    return PodMeta(namespace, name, f"uid-{name}", **{**facts, **more})


def metadata(*metas: PodMeta) -> Metadata:
    return Metadata({each.key: each for each in metas}, synced=True, is_up=True, last_success_seconds=NOW)


def socket(**changes: Any) -> Socket:
    """Return a socket in a mounted directory."""
    good = Socket(
        path=PATH,
        real_path=PATH,
        uid=0,
        file=SocketFile(FileKind.SOCKET, mode=0o755, owner_uid=0, changed_seconds=NOW - 7200),
        connection=Connection(Outcome.CONNECTED, 0.0004),
        mount=Mount(DIRECTORY, "/lib/kubelet/pod-resources", is_read_only=True, file_system="ext4"),
    )
    return replace(good, **changes)


def calls(**changes: Call) -> dict[str, Call]:
    """Return three good calls; *changes* replace them by RPC."""
    good = {
        "List": Call("List", 0.003, 562),
        "GetAllocatableResources": Call("GetAllocatableResources", 0.001, 120),
        "Get": Call("Get", 0.001, 80),
    }
    return good | changes


def refused(rpc: str, reason: Reason, detail: str = "its detail", **more: Any) -> Call:
    return Call(rpc, 0.002, reason=reason, detail=detail, **more)


def allowed(*, is_allowed: bool = True, said: str = "", seconds: float = 0.004, skew: float = 0.0) -> AccessAnswer:
    """Return an answer of a server whose clock is *skew* behind ours."""
    return AccessAnswer(is_allowed, said, seconds, NOW + 0.5, NOW - skew)


def api(**changes: Any) -> ApiServer:
    """Return an API server that tells everything."""
    good = ApiServer(
        account=Account("the service account of this pod", "https://10.0.0.1:443"),
        reviews={"list": allowed(), "watch": allowed()},
        pods=PodsAnswer(0.008, 15_000, 1, (), {"app": 1}),
        dra=DraAccess("v1"),
    )
    return replace(good, **changes)


def no_answer(detail: str, reason: Reason = Reason.UNAVAILABLE, verb: str = "list") -> ApiServerError:
    return ApiServerError(verb, reason, detail)


def silent(detail: str, reason: Reason = Reason.UNAVAILABLE, **changes: Any) -> ApiServer:
    """Return an API server whose every answer is this error."""
    return api(
        **{"reviews": {"list": no_answer(detail, reason, "review")}, "pods": no_answer(detail, reason), **changes}
    )


def healthy(**changes: Any) -> Evidence:
    good = Evidence(
        settings=Settings("n1", 10.0, 60.0, "apiserver"),
        socket=socket(),
        wall_seconds=NOW,
        topology=TOPOLOGY,
        calls=calls(),
        allocatable=allocatable(gpu("GPU-0", 0), gpu("GPU-1", 1), cpus="1-7"),
        looks=(Look(listing(TRAIN), metadata(meta())),),
        api=api(),
        device_manager=DeviceManager("/var/lib/kubelet/device-plugins/kubelet.sock", FileKind.SOCKET),
        doubles=(),
        dra=Dra(is_synced=True, is_up=True),
    )
    return replace(good, **({"dra": None, **changes} if "api" in changes else changes))


def unconnected(**changes: Any) -> Evidence:
    """Return evidence of a node whose kubelet could not be asked."""
    bad = healthy(socket=socket(file=SocketFile(FileKind.MISSING), connection=None), calls={}, allocatable=None)
    return replace(bad, **{"looks": (Look(None, metadata(meta())),), **changes})


def holding(*pods: Any, **more: Any) -> Listing:
    return replace(listing(*pods), **more)


def found(evidence: Evidence, name: str) -> Finding:
    """Return the one finding of that id."""
    (one,) = [each for each in judge(evidence).findings if each.id == name]
    return one


def verdicts(evidence: Evidence) -> dict[str, str]:
    """Return the findings that are not ok, by id."""
    return {each.id: each.verdict.value for each in judge(evidence).findings if each.verdict.value != "ok"}
