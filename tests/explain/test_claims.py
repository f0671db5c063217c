"""`explain` for DRA devices whose ResourceSlices and claims were read."""

from dataclasses import replace

from builders import TWO_NODES, container, listing, pod

from podres_exporter.explain import explain
from podres_exporter.explain.text import explain_text
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerSpec,
    DeviceTaint,
    Metadata,
    PodMeta,
    Snapshot,
)
from podres_exporter.model.dra import ClaimFacts, ClaimResult, Dra, DraDevice, DraPool

D = "gpu.example.com"
BAD = (DeviceTaint("xid", "79", "NoExecute"),)
DEVICES = (
    DraDevice("gpu-0", uuid="GPU-00", numa_nodes=frozenset([1]), taints=BAD),
    DraDevice("gpu-1", uuid="GPU-01", numa_nodes=frozenset([0])),
)
RESULTS = (ClaimResult("train", D, "n1", "gpu-0"), ClaimResult("look", D, "n1", "gpu-1", is_admin=True))


def said(pool: DraPool) -> list[str]:
    """Return the account of a pod whose container holds one device and looks at another."""
    claim = Claim("ml", "c", tuple(ClaimDevice(D, "n1", each.name, "", ()) for each in DEVICES))
    spec = ContainerSpec("main", ContainerKind.APP, claims=(("gpus", "train"), ("gpus", "look")))
    meta = PodMeta("ml", "p", "u", claims=(("gpus", "c"),), containers=(spec,), phase="Running", has_started=True)
    metadata = Metadata({meta.key: meta}, synced=True)
    dra = Dra((pool,), {("ml", "c"): ClaimFacts("ml", "c", "u", RESULTS)}, is_synced=True)
    pods = listing(pod("p", container("main", claims=[claim]), namespace="ml"))
    snapshot = Snapshot("n1", Joiner().join(pods, None, TWO_NODES, metadata, dra=dra), metadata)
    return explain_text(explain(snapshot, "ml", "p"), 120)


def test_a_device_has_its_numa_node_its_uuid_and_its_request_and_admin_access_stands_apart() -> None:
    lines = said(DraPool(D, "n1", 1, DEVICES))
    rows = [line.split("  ") for line in lines if D in line]

    assert [
        [f"{D} (1)", ".", "n1/gpu-0 (GPU-00, request train)"],
        [f"{D}, admin access (1)", "n1/gpu-1 (GPU-01, request look)", "."],
    ] == [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert any("claim gpus request look, claim gpus request train" in line for line in lines)
    assert any("note:   n1/gpu-0 is tainted: xid=79 (NoExecute)" in line for line in lines)


def test_a_driver_that_has_stopped_is_said() -> None:
    lines = said(replace(DraPool(D, "n1", 1, DEVICES), is_stale=True))

    assert any("n1/gpu-0 belongs to a driver that has stopped" in line for line in lines)
