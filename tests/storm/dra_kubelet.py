"""
The kubelet and pod metadata of the DRA storm, and the exporter's join of both.

A kubelet that has just started lists nothing until it knows its pods again; metadata that are away stay as they were.
The cache and the join are the exporter's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builders import TWO_NODES, container, listing, pod

from podres_exporter.allocation import Cache, Site, Waits, unknown, unlisted
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocation,
    Belief,
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerSpec,
    Mark,
    Metadata,
    PodKey,
    PodMeta,
)
from podres_exporter.model.dra import Dra

NAMESPACE = "ml"
EXPORTER = pod("exporter", namespace="podres")
WAITS = Waits(hold_down=60.0, max_age=120.0, grace=10.0)


@dataclass(frozen=True, slots=True)
class Life:
    """A pod that lives: its UID, and its claims."""

    uid: str
    claims: tuple[str, ...]


class DraKubelet:
    """
    What the exporter hears of the pods, and knows by that.

    `told` are the UIDs of all it ever heard of, `waiting` those that the kubelet has not admitted yet: only the
    metadata has them. `now` is its time, which goes on while the source is at rest.
    """

    def __init__(self, node: str) -> None:
        """Start with a kubelet that has run for long, and followed metadata."""
        self._node, self.now = node, 100.0
        self._cache = Cache(Site(node, EXPORTER.key), WAITS)
        self._cache.begin(is_young=False)
        self._metadata = Metadata({}, synced=True, is_up=True)
        self.knows_its_pods = self.is_followed = True
        self.told: set[str] = set()
        self.waiting: set[str] = set()

    def restart(self) -> None:
        """Start another kubelet, which has not heard of its pods yet."""
        self._cache.begin(is_young=True)
        self.knows_its_pods = False

    def poll(self, pods: Mapping[str, Life], claims: Mapping[str, list[str]]) -> None:
        """Take the metadata, and the kubelet's answer to List."""
        if self.is_followed:
            metas = {each.key: each for each in (self._meta(name, life) for name, life in pods.items())}
            self._metadata = Metadata(metas, synced=True, is_up=True)
        else:
            self._metadata = replace(self._metadata, synced=False, is_up=False)
        listed = {life.uid for life in pods.values() if self.knows_its_pods} - self.waiting
        self.told |= {life.uid for life in pods.values()} if self.is_followed else listed
        self._cache.update_metadata(self._metadata)
        rows = []
        for name, life in sorted((name, life) for name, life in pods.items() if life.uid in listed):
            held = [Claim(NAMESPACE, claim, tuple(map(self._device, claims[claim]))) for claim in life.claims]
            rows.append(pod(name, container("main", claims=held), namespace=NAMESPACE))
        self._cache.listed(listing(*rows, *([EXPORTER] if self.knows_its_pods else [])), self.now)
        self._cache.settle(self.now)

    @property
    def metas(self) -> Mapping[PodKey, PodMeta]:
        """What the metadata said last."""
        return self._metadata.pods

    def allocation(self, dra: Dra | None) -> Allocation:
        """Join what is believed with what is known of DRA."""
        marked = self._cache.pods(self.now)
        belief = Belief(
            marks={each.pod.key: each.mark for each in marked if each.mark is not Mark.CURRENT},
            finished=frozenset(each.pod.key for each in marked if each.is_finished),
            unknown=unknown(self._cache, self.now),
            unlisted=tuple(meta.key for meta in unlisted(self._cache, self.now)),
        )
        pods = listing(*(each.pod for each in marked))
        return Joiner().join(pods, None, TWO_NODES, self._metadata, dra=dra, belief=belief)

    def _device(self, text: str) -> ClaimDevice:
        driver, _, device = text.partition("/")
        return ClaimDevice(driver, self._node, device, "", ())

    def _meta(self, name: str, life: Life) -> PodMeta:
        return PodMeta(
            NAMESPACE,
            name,
            life.uid,
            phase="Pending" if life.uid in self.waiting else "Running",
            has_started=life.uid not in self.waiting,
            claims=tuple((claim, claim) for claim in life.claims),
            containers=(ContainerSpec("main", ContainerKind.APP, claims=tuple((claim, "") for claim in life.claims)),),
        )
