"""Reference implementations: the same answers and samples handled with protobuf and prometheus_client only."""

from collections.abc import Iterable, Iterator

from bench.rigs.answers import Round
from family_samples import samples
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.spec import ExporterFamily, Family, UsageFamily
from podres_exporter.model import Claim, ClaimDevice, Container, Device, MemoryBlock, Pod, Snapshot

ALLOCATION_FAMILIES = tuple(
    family
    for family in CATALOGUE
    if family.collector not in {"cpu-info", "process"} and not isinstance(family, (ExporterFamily, UsageFamily))
)
"""What an allocation says: nearly all of the page."""


def parse(answer: Round) -> tuple[pb.ListPodResourcesResponse, pb.AllocatableResourcesResponse]:
    """Return the answers as protobuf messages."""
    return (
        pb.ListPodResourcesResponse.FromString(answer.listed),
        pb.AllocatableResourcesResponse.FromString(answer.allocatable),
    )


def decode(answer: Round) -> tuple[list[Pod], list[Device]]:
    """Return the answers as records, every field of every row touched once, and nothing remembered."""
    listed, allocatable = parse(answer)
    return [_pod(row) for row in listed.pod_resources], _devices(allocatable.devices)


def _pod(row: pb.PodResources) -> Pod:
    return Pod(row.namespace, row.name, tuple(_container(each) for each in row.containers))


def _container(row: pb.ContainerResources) -> Container:
    return Container(
        row.name,
        tuple(_devices(row.devices)),
        frozenset(row.cpu_ids),
        tuple(MemoryBlock(each.memory_type, _nodes(each.topology), each.size) for each in row.memory),
        tuple(_claim(each) for each in row.dynamic_resources),
    )


def _devices(rows: Iterable[pb.ContainerDevices]) -> list[Device]:
    return [Device(row.resource_name, device, _nodes(row.topology)) for row in rows for device in row.device_ids]


def _nodes(topology: pb.NUMATopology) -> frozenset[int]:
    return frozenset(node.ID for node in topology.nodes)


def _claim(row: pb.DynamicResource) -> Claim:
    devices = tuple(
        ClaimDevice(each.driver_name, each.pool_name, each.device_name, each.share_id, ())
        for each in row.claim_resources
    )
    return Claim(row.claim_namespace, row.claim_name, devices)


class Prebuilt(Collector):
    """Hands out families whose samples have been made beforehand, so that only their text is paid for."""

    def __init__(self, snapshot: Snapshot, families: Iterable[Family] = ALLOCATION_FAMILIES) -> None:
        self.count = 0
        self._metrics = []
        for family in families:
            metric = Metric(family.name, family.help, "gauge")
            for sample in samples(snapshot, [family]):
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            self.count += len(metric.samples)
            if metric.samples:
                self._metrics.append(metric)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics

    def page(self) -> bytes:
        """Return the page that prometheus_client makes of them."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)
