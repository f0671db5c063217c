"""Replace names by pseudonyms in files that are shared; equal names get equal pseudonyms."""

import hmac
import re
from dataclasses import replace

from podres_exporter.model import (
    ClaimFacts,
    ClaimInterface,
    ContainerSpec,
    Dra,
    DraDevice,
    DraPool,
    Metadata,
    PodMeta,
    ResourceHealth,
)

_DIGITS = 12
"""48 bits: with 50,000 device ids, a collision is expected once in two hundred thousand recordings."""

_KEPT = frozenset({"", "default", "kube-system", "kube-public", "kube-node-lease"})
"""Names that every cluster has."""
_KEPT_PRIORITY_CLASSES = frozenset({"", "system-node-critical", "system-cluster-critical"})

_REPLICA = re.compile(r"(?P<base>.+?)(?P<replica>::[0-9]+|/vgpu[0-9]+)", re.DOTALL)
_PCI = re.compile(r"(?P<device>[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})(?P<function>\.[0-7])", re.IGNORECASE)
_PREFIX = re.compile(r"(?:GPU-|MIG-GPU-|MIG-)?")
_CLAIM = "claim:"


class Pseudonyms:
    """
    Maps each name to a pseudonym, regardless of what kind of name it is, so that equal names stay equal.

    A pseudonym is a prefix of the HMAC-SHA256 of the name; without the key, names cannot be guessed by trial.
    """

    def __init__(self, key: bytes) -> None:
        """*key* is random and is not stored."""
        self._key = key

    def name(self, text: str) -> str:
        """Return the pseudonym of a pod, namespace, node or any other name."""
        return text if text in _KEPT else self._digest(text)[:_DIGITS]

    def device(self, text: str) -> str:
        """
        Return the pseudonym of a device id that keeps its shape.

        The replica of a shared device stays (`::3`, `/vgpu2`), as do the prefix of an NVIDIA UUID and the function of a
        PCI address, so that what belongs together still shows.
        """
        if match := _REPLICA.fullmatch(text):
            return self.device(match["base"]) + match["replica"]
        if match := _PCI.fullmatch(text):
            digest = self._digest(match["device"].lower())
            return f"{digest[:4]}:{digest[4:6]}:{int(digest[6:8], 16) % 32:02x}{match['function']}"
        prefix = _PREFIX.match(text)
        return (prefix[0] if prefix else "") + self.name(text)

    def cdi(self, text: str) -> str:
        """Return the pseudonym of a CDI name; vendor and class stay (`nvidia.com/gpu=...`)."""
        kind, equals, name = text.rpartition("=")
        return f"{kind}{equals}{self.name(name)}"

    def metadata(self, metadata: Metadata) -> Metadata:
        """Return pod metadata with pseudonyms; free texts written by people or programs are removed."""
        pods = [self._meta(meta) for meta in metadata.pods.values()]
        return replace(metadata, pods={meta.key: meta for meta in pods})

    def dra(self, dra: Dra) -> Dra:
        """Return the DRA facts with the same pseudonyms as in the kubelet's answers; kinds are kept."""
        claims = [self._claim(claim) for claim in dra.claims.values()]
        pools = tuple(sorted((self._pool(pool) for pool in dra.pools), key=lambda pool: pool.key))
        return replace(dra, pools=pools, claims={claim.key: claim for claim in claims})

    def _pool(self, pool: DraPool) -> DraPool:
        devices = sorted((self._dra_device(device) for device in pool.devices), key=lambda device: device.name)
        return replace(pool, name=self.name(pool.name), devices=tuple(devices))

    def _dra_device(self, device: DraDevice) -> DraDevice:
        return replace(
            device,
            name=self.name(device.name),
            uuid=self.device(device.uuid),
            pci_address=self.device(device.pci_address),
            parent_uuid=self.device(device.parent_uuid),
            attributes=(),
            taints=tuple(sorted(replace(taint, value=self.name(taint.value)) for taint in device.taints)),
        )

    def _claim(self, claim: ClaimFacts) -> ClaimFacts:
        name = self.name
        results = tuple(
            replace(
                each,
                request="/".join(map(name, each.request.split("/"))),
                pool=name(each.pool),
                device=name(each.device),
                share_id=name(each.share_id),
                interface=ClaimInterface(name(each.interface.name), name(each.interface.hardware_address)),
            )
            for each in claim.results
        )
        return ClaimFacts(name(claim.namespace), name(claim.name), name(claim.uid), results)

    def _meta(self, meta: PodMeta) -> PodMeta:
        name = self.name
        known_class = meta.priority_class in _KEPT_PRIORITY_CLASSES
        return replace(
            meta,
            namespace=name(meta.namespace),
            name=name(meta.name),
            uid=name(meta.uid),
            message="",
            priority_class=meta.priority_class if known_class else name(meta.priority_class),
            owner_name=name(meta.owner_name),
            workload_name=name(meta.workload_name),
            labels=tuple((label, name(value)) for label, value in meta.labels),
            claims=tuple(sorted((name(local), name(claim)) for local, claim in meta.claims)),
            extended_claim=name(meta.extended_claim),
            extended_requests=tuple(sorted((name(each), resource) for each, resource in meta.extended_requests)),
            containers=tuple(self._spec(spec) for spec in meta.containers),
        )

    def _spec(self, spec: ContainerSpec) -> ContainerSpec:
        name = self.name
        return replace(
            spec,
            name=name(spec.name),
            claims=tuple(sorted((name(claim), name(request)) for claim, request in spec.claims)),
            health=tuple(self._health(row) for row in spec.health),
        )

    def _health(self, row: ResourceHealth) -> ResourceHealth:
        """
        Return the health entry with its device under the same pseudonym as elsewhere in the file.

        Source: ResourceHealth (model): a device id; for claims the first CDI name, or `driver/pool/device`.
        """
        if not row.name.startswith(_CLAIM):
            return replace(row, resource_id=self.device(row.resource_id), message="")
        claim, slash, request = row.name.removeprefix(_CLAIM).partition("/")
        label = f"{_CLAIM}{self.name(claim)}{slash}{self.name(request)}"
        return replace(row, name=label, resource_id=self._claim_device(row.resource_id), message="")

    def _claim_device(self, text: str) -> str:
        if "=" in text:
            return self.cdi(text)
        parts = text.split("/")
        if len(parts) < 3:
            return self.name(text)
        return f"{parts[0]}/{self.name('/'.join(parts[1:-1]))}/{self.name(parts[-1])}"

    def _digest(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(errors="surrogatepass"), "sha256").hex()
