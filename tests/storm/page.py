"""A metrics page parsed by prometheus_client, as facts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from storm.facts import Containers, Fact, Facts, list_text, numbers
from storm.violation import Violation

Labels = frozenset[tuple[str, str]]
Series = tuple[str, Labels]

TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
ACCEPT = {TEXT: "text/plain;version=0.0.4", OPENMETRICS: "application/openmetrics-text;version=1.0.0"}


class Page:
    """The samples of one page; `counters` are those that may never go back. Raises Violation where it is no page."""

    def __init__(self, body: bytes, content_type: str, asked: str, *, gzip: bool = False) -> None:
        """Parse the body that came for a media type, compressed or not."""
        self.variant = (asked, gzip)
        self.text = body.decode()
        if content_type.partition(";")[0] != asked:
            raise Violation("parses", f"{asked} was asked for and {content_type} came")
        try:
            families = list(_parsed(self.text, asked))
        except ValueError as error:
            raise Violation("parses", f"the {asked} page does not parse: {error}") from error
        self.samples: dict[Series, float] = {}
        self.counters: dict[Series, float] = {}
        for family in families:
            for sample in family.samples:
                series = (sample.name, frozenset(sample.labels.items()))
                if series in self.samples:
                    raise Violation("twice", f"the page has {_shown(series)} twice")
                self.samples[series] = sample.value
                # What the kernel says of the process is not ours; some sandboxes let its CPU time go back by a tick.
                if family.type in {"counter", "histogram"} and sample.name.startswith("podres_"):
                    self.counters[series] = sample.value
        self.facts = frozenset(self._facts())

    def rows(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Yield labels and value of each sample of a name."""
        for (found, labels), value in self.samples.items():
            if found == name:
                yield dict(labels), value

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the sample with exactly these labels."""
        return self.samples.get((name, frozenset(labels.items())))

    @property
    def has_allocation(self) -> bool:
        """Whether anything is said of who holds what, or what is left."""
        prefixes = ("podres_container_", "podres_node_", "podres_pod_")
        return any(name.startswith(prefixes) for name, _ in self.samples)

    def by_resource(self, kind: str) -> dict[str, float]:
        """Return how many devices the node has of that kind (`free`, `allocated`, `allocatable`), by resource."""
        counts: dict[str, float] = {}
        for labels, value in self.rows(f"podres_node_{kind}_devices"):
            counts[labels["resource"]] = counts.get(labels["resource"], 0) + value
        return counts

    @property
    def judges_doubles(self) -> bool:
        """Whether the page tells what is held twice."""
        return any(self.rows("podres_node_double_held_devices"))

    def pool(self, pool: str) -> frozenset[int] | None:
        """Return the CPUs of a pool of the node, None where the page does not name it."""
        found = [labels["cpus"] for labels, _ in self.rows("podres_node_cpuset_info") if labels["pool"] == pool]
        return numbers(found[0]) if found else None

    def _facts(self) -> Iterator[Fact]:
        """Yield what the page says of containers."""
        for labels, _ in self.rows("podres_container_device_info"):
            yield "device", *_path(labels), labels["resource"], labels["device"], labels["numa_nodes"]
        for labels, _ in self.rows("podres_container_cpuset_info"):
            for cpu in numbers(labels["cpus"]):
                yield "cpu", *_path(labels), str(cpu)
        for labels, value in self.rows("podres_container_memory_bytes"):
            yield "memory", *_path(labels), labels["memory_type"], labels["numa_nodes"], str(int(value))


@dataclass(frozen=True, slots=True)
class Document:
    """What the JSON document says that containers hold, and which there are, also of those that hold nothing."""

    facts: Facts
    containers: Containers


def document_of(body: bytes) -> Document | None:
    """Return what the JSON document says, None where it has no allocation."""
    document: dict[str, Any] = json.loads(body)
    if "pods" not in document:
        return None
    facts: set[Fact] = set()
    containers: set[tuple[str, str, str]] = set()
    for pod in document["pods"]:
        for each in pod["containers"]:
            path = (pod["namespace"], pod["name"], each["name"])
            containers.add(path)
            facts.update(
                ("device", *path, d["resource"], d["id"], list_text(d.get("numaNodes", ()))) for d in each["devices"]
            )
            facts.update(("cpu", *path, str(cpu)) for cpu in numbers(each.get("exclusiveCpus", "")))
            sizes: dict[tuple[str, str], int] = {}
            for block in each["memory"]:
                key = (block["memoryType"], list_text(block.get("numaNodes", ())))
                sizes[key] = sizes.get(key, 0) + block["bytes"]
            facts.update(("memory", *path, *key, str(size)) for key, size in sizes.items())
    return Document(frozenset(facts), frozenset(containers))


def _parsed(text: str, media_type: str) -> Iterator[Metric]:
    if media_type == OPENMETRICS:
        yield from parse_openmetrics(text)  # type: ignore[no-untyped-call]  # prometheus_client does not annotate it
    else:
        yield from parse_text(text)


def _path(labels: dict[str, str]) -> tuple[str, str, str]:
    return labels["namespace"], labels["pod"], labels["container"]


def _shown(series: Series) -> str:
    return f"{series[0]}{dict(sorted(series[1]))}"
