"""Requests of DRA to the API server: computed for a cluster, and counted for a few nodes."""

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scale import model
from scale.model import Cluster

from podres_exporter.clock import SystemClock
from podres_exporter.errors import Reason
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.dra.claims import SPACING_SECONDS
from podres_exporter.kube.dra.source import DraWatch
from podres_exporter.model import Dra, Malformed
from podres_exporter.sim.api import RESOURCE_CLAIMS, RESOURCE_SLICES, ApiServer, Store, kubeconfig

SLICE_BYTES = 150 * 1024
"""The JSON of a node's slices where partitions of eight GPUs are listed."""
CLAIM_BYTES = 2 * 1024
PATIENCE_SECONDS = 60.0
DRIVER = "gpu.example.com"


@dataclass(frozen=True, slots=True)
class DraLoad:
    """
    What all nodes ask for DRA: at a common start, and forever.

    A claim of a pod is read once in its life; *first_claims_seconds* is how long a node takes for those it has.
    """

    discoveries: float
    lists: float
    list_bytes: float
    first_claims: float
    first_claims_seconds: float
    watches_per_second: float
    gets_per_second: float
    get_bytes_per_second: float


def load(cluster: Cluster, claims_per_node: int) -> DraLoad:
    """Return the load where each node has so many claims, whose pods are replaced as all others are."""
    claims = cluster.nodes * claims_per_node
    gets = claims * cluster.churn_per_hour / 3600
    return DraLoad(
        discoveries=cluster.nodes,
        lists=cluster.nodes,
        list_bytes=cluster.nodes * SLICE_BYTES,
        first_claims=claims,
        first_claims_seconds=claims_per_node * SPACING_SECONDS,
        watches_per_second=model.steady(cluster).watches_per_second,
        gets_per_second=gets,
        get_bytes_per_second=gets * CLAIM_BYTES,
    )


def paper_rows(cluster: Cluster, claims_per_node: int) -> Iterator[tuple[str, str]]:
    """Yield what is computed for the whole cluster."""
    found = load(cluster, claims_per_node)
    yield "DRA: at a start, discovery and lists of slices", f"{found.discoveries:,.0f} + {found.lists:,.0f}"
    yield "  JSON of all slices", f"{found.list_bytes / 1024 / 1024:,.0f} MiB"
    yield "  claims, one get each", f"{found.first_claims:,.0f} in {found.first_claims_seconds:,.1f} s"
    yield "  watches renewed", f"{found.watches_per_second:,.1f}/s"
    gets = f"{found.gets_per_second:,.1f}/s, {found.get_bytes_per_second / 1024:,.0f} KiB/s"
    yield f"  gets, {cluster.churn_per_hour:.0%} of the pods replaced an hour", gets


def counted(nodes: int, claims_per_node: int, directory: Path) -> Iterator[tuple[str, Counter[str]]]:
    """
    Yield phases with the requests that a server has counted of so many nodes' followers of DRA, by what they are.

    Start; ten thousand tellings of what is known already; one claim of each node replaced.
    """
    clock = SystemClock()
    store = Store(clock)
    names = [f"node-{number:03d}" for number in range(nodes)]
    for name in names:
        store.create(RESOURCE_SLICES, _slice(name))
        for number in range(claims_per_node + 1):
            store.create(RESOURCE_CLAIMS, _claim(name, number))
    with ApiServer(store, clock) as server:
        path = directory / "kubeconfig"
        path.write_text(kubeconfig(server.url), encoding="utf-8")
        credentials = partial(Kubeconfig, [str(path)], None, {}, clock)
        followers = {name: DraWatch(KubeClient(credentials, "scale", clock), name, clock, Silent()) for name in names}
        try:
            for each in followers.values():
                each.start(_no_listener)
            yield "start", _phase(server, followers, range(claims_per_node))
            for _ in range(10_000 // nodes):
                for name, each in followers.items():
                    each.want(_users(name, range(claims_per_node)))
            yield "nothing happens", _phase(server, followers, range(claims_per_node))
            yield "one claim of each replaced", _phase(server, followers, range(1, claims_per_node + 1))
        finally:
            for each in followers.values():
                each.stop()


def _phase(server: ApiServer, followers: dict[str, DraWatch], numbers: range) -> Counter[str]:
    """Let every node want these claims; return what was asked until all are known and every watch is open."""
    for name, each in followers.items():
        each.want(_users(name, numbers))
    clock, never = SystemClock(), threading.Event()
    until = clock.monotonic_seconds() + PATIENCE_SECONDS

    def is_done() -> bool:
        known = [(each.dra() or Dra()).claims.keys() for each in followers.values()]
        wanted = [_users(name, numbers).keys() for name in followers]
        return known == wanted and server.faults.open_watches == len(followers)

    while not is_done():
        if clock.monotonic_seconds() > until:
            raise AssertionError("the followers do not come to rest")
        never.wait(0.01)
    asked = Counter[str]()
    for (verb, where, _), number in server.requests.counts.items():
        asked[_kind(verb, where)] += number
    server.requests.clear()
    return asked


class Silent:
    """MetadataObserver that keeps nothing: the server counts."""

    def request(self, verb: str) -> None: ...

    def error(self, verb: str, reason: Reason) -> None: ...

    def restart(self, cause: str) -> None: ...

    def event(self, kind: str) -> None: ...

    def received(self, number_of_bytes: int) -> None: ...

    def malformed(self, items: Sequence[Malformed]) -> None: ...


def _kind(verb: str, path: str) -> str:
    """Return what a request is: discovery, or a verb and a kind of object."""
    kind = next((each for each in ("resourceslices", "resourceclaims") if each in path), "")
    return f"{verb} {kind}" if kind else "discovery"


def _users(name: str, numbers: Collection[int]) -> dict[tuple[str, str], frozenset[str]]:
    return {("ml", f"{name}-{number}"): frozenset([f"{name}-{number}"]) for number in numbers}


def _slice(name: str) -> dict[str, object]:
    pool = {"name": name, "generation": 1, "resourceSliceCount": 1}
    devices = [{"name": f"gpu-{number}"} for number in range(8)]
    spec = {"driver": DRIVER, "nodeName": name, "pool": pool, "devices": devices}
    return {"metadata": {"name": name}, "spec": spec}


def _claim(name: str, number: int) -> dict[str, object]:
    result = {"request": "gpu", "driver": DRIVER, "pool": name, "device": f"gpu-{number}"}
    status = {"allocation": {"devices": {"results": [result]}}}
    return {"metadata": {"namespace": "ml", "name": f"{name}-{number}"}, "spec": {}, "status": status}


def _no_listener() -> None:
    """Stand in for the exporter."""
