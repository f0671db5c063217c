"""Errors in a document are reported with their path and the expected value."""

import json
import re
from datetime import date
from typing import Any, ClassVar

import pytest
from document_samples import everything
from family_samples import samples
from msgspec import field, to_builtins

from podres_exporter.document import decode, encode
from podres_exporter.document.faults import distinct, read
from podres_exporter.document.values import Count, Nodes, Record, Size
from podres_exporter.errors import DocumentError
from podres_exporter.families.catalogue import CATALOGUE

MISSING = object()


def put(holder: Any, path: str, value: object) -> None:
    """Write a value at a path of a document, or take it out."""
    *steps, last = [int(step) if step.isdecimal() else step for step in re.findall(r"\w+", path)]
    for step in steps:
        holder = holder[step]
    if value is MISSING:
        del holder[last]
    else:
        holder[last] = value


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("otherPods[0].name", MISSING, "is missing"),
        ("pods[0].containers[0].devices[0].id", MISSING, "is missing"),
        ("pods[0].containers[0].devices[0].id", None, "is missing"),
        ("pods[0].containers[0].devices[0].id", 7, "is 7; must be a text"),
        ("pods[0].containers[0].devices[0]", "x", "is a text; must be a mapping"),
        ("pods[0].containers[0].devices", {}, "is a mapping; must be a list"),
        ("pods[0].containers[0].devices[0].numaNodes[0]", -1, "is -1; must be a whole number of 0 or more"),
        ("pods[0].containers[0].exclusiveCpus", "3-1", "range '3-1' runs backwards"),
        ("pods[0].containers[0].memory[0].bytes", 1.5, "is 1.5; must be a whole number of 0 or more"),
        ("pods[0].containers[0].memory[0].bytes", True, "is true; must be a whole number of 0 or more"),
        (
            "pods[0].containers[0].memory[0].bytes",
            -(10**30),
            "is too large; must be a whole number of 0 or more",
        ),
        (
            "pods[0].containers[0].memory[0].bytes",
            2**96,
            "is too large; must be a whole number of at most 79228162514264337593543950335",
        ),
        (
            "pods[0].requests[0].requested",
            2**63,
            "is too large; must be a whole number of at most 9223372036854775807",
        ),
        (
            'skippedPods["terminal"]',
            10**400,
            "is too large; must be a whole number of at most 9223372036854775807",
        ),
        ("node", "n\ud800", "contains half of a character (a lone surrogate); must be valid Unicode"),
        (
            "stock.devices[0].held[1]",
            "\udcff",
            "contains half of a character (a lone surrogate); must be valid Unicode",
        ),
        ("pods[0].containers[0].claims[0].devices[0].cdiDevices[0]", None, "is null; must be a text"),
        (
            "pods[0].containers[0].alignment.verdict",
            "sideways",
            "is 'sideways'; known are aligned, misaligned, spans, unknown, unsupported, not_applicable",
        ),
        ("pods[0].containers[0].alignment.reasons[1].needs", "all", "is 'all'; known are any, every"),
        ("pods[0].metadata.labels", [], "is a list; must be a mapping"),
        ('pods[0].metadata.labels["app"]', False, "is false; must be a text"),
        ('skippedPods["terminal"]', "1", "is a text; must be a whole number of 0 or more"),
        (
            "usage.exclusiveCpus[0].cpuSeconds",
            float("inf"),
            "is too large; must be a finite number",
        ),
        (
            "usage.exclusiveCpus[0].cpuSeconds",
            10**400,
            "is too large; must be a finite number",
        ),
        ("usage.exclusiveCpus[0].cpuSeconds", -0.5, "is -0.5; must be a number of 0 or more"),
        ("usage.exclusiveCpus[0].cpuSeconds", float("nan"), "is nan; must be a finite number"),
        ("status.parts[0].stale", 0, "is 0; must be true or false"),
        ("status.sources[0].lastSuccess", date(2026, 11, 20), "is a date; must be a text"),
        ("status.sources[0].lastSuccess", "9999-12-31T23:59:59-00:01", "is after the year 9999"),
        ("status.sources[0].lastSuccess", "yesterday", "is not a time such as 2026-11-20T08:00:00Z"),
    ],
)
def test_a_fault_is_named_by_its_path(path: str, value: object, problem: str) -> None:
    """One sentence that leads to the place, and says what belongs there."""
    document = encode(everything(), generated_at_seconds=0, version="")
    put(document, path, value)

    with pytest.raises(DocumentError) as caught:
        decode(document)

    assert (path, problem, f"{path}: {problem}") == (caught.value.path, caught.value.problem, str(caught.value))


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("pods", "has the namespace and name of pods[0], 'ml', 'train-0'"),
        ("pods[0].containers", "has the name of containers[0], 'main'"),
        (
            "pods[0].containers[0].devices",
            "has the resource and id of devices[0], 'nvidia.com/gpu', 'GPU-7f3c::3'",
        ),
        ("pods[0].requests", "has the container and resource of requests[0], 'main', 'nvidia.com/gpu'"),
        ("pods[0].metadata.containers", "has the name of containers[0], 'setup'"),
        ("otherPods", "has the namespace and name of otherPods[0], 'ml', 'train-1'"),
        ("otherPods[0].metadata.containers", "has the name of containers[0], 'setup'"),
        ("status.sources", "has the source of sources[0], 'kubelet'"),
        ("status.rpcs", "has the rpc of rpcs[0], 'List'"),
        ("status.parts", "has the part of parts[0], 'pods'"),
        ("stock.devices", "has the resource and numaNodes of devices[0], 'nvidia.com/gpu', [0]"),
        ("stock.memory", "has the memoryType and numaNodes of memory[0], 'memory', [0]"),
        ("usage.devices", "has the namespace and resource of devices[0], 'ml', 'nvidia.com/gpu'"),
        ("usage.exclusiveCpus", "has the namespace of exclusiveCpus[0], 'ml'"),
        (
            "usage.workloadDevices",
            (
                "has the namespace and workloadKind and workloadName and resource of workloadDevices[0], 'ml', 'Job', "
                "'train', 'nvidia.com/gpu'"
            ),
        ),
        (
            "usage.workloadExclusiveCpus",
            "has the namespace and workloadKind and workloadName of workloadExclusiveCpus[0], 'ml', 'Job', 'train'",
        ),
    ],
)
def test_what_is_a_series_of_its_own_stands_in_its_list_once(path: str, problem: str) -> None:
    """A series that comes twice makes Prometheus refuse the page, and no exporter writes such a document."""
    document: Any = json.loads(json.dumps(encode(everything(), generated_at_seconds=0, version="")))
    document["otherPods"][0]["metadata"]["containers"] = [{"name": "setup", "kind": "init"}]
    rows = document
    for step in re.findall(r"\w+", path):
        rows = rows[int(step) if step.isdecimal() else step]
    rows.append(rows[0])

    with pytest.raises(DocumentError) as caught:
        decode(document)

    assert (f"{path}[{len(rows) - 1}]", f"{problem}; each may occur only once") == (
        caught.value.path,
        caught.value.problem,
    )


class Row(Record, kw_only=True):
    a: str
    b: str = ""
    numa_nodes: Nodes = field(default_factory=list)

    key: ClassVar[tuple[str, ...]] = ("a", "b", "numa_nodes")


class Rows(Record, kw_only=True):
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, Count] = field(default_factory=dict)
    size: Size = 0


def rows_of(document: object) -> list[Row]:
    return read(document, Rows, lambda record: list(distinct(record.rows)))


def test_names_are_told_apart_by_all_their_parts() -> None:
    """One namespace has many pods, and pods of one name may be in several; the order of NUMA nodes says nothing."""
    rows = [{"a": "x", "b": "1"}, {"a": "x", "b": "2"}, {"a": "y", "b": "1"}, {"a": "y", "b": "1", "numaNodes": [0]}]
    assert rows == to_builtins(rows_of({"rows": rows}))
    assert [] == rows_of({})

    with pytest.raises(
        DocumentError, match=r"^rows\[1\]: has the a and b and numaNodes of rows\[0\], 'x', '', \[0, 1\]; "
    ):
        rows_of({"rows": [{"a": "x", "b": "", "numaNodes": nodes} for nodes in ([0, 1], [1, 0])]})


@pytest.mark.parametrize("name", ["pod", "node", "", "label", 'label_"', "label_\n", "label_\u00e9"])
def test_labels_of_pods_become_no_label_of_ours(name: str) -> None:
    """Whatever a document calls them, in Prometheus they have names of their own that are valid."""
    document: Any = encode(everything(), generated_at_seconds=0, version="")
    document["pods"][0]["metadata"]["labels"] = {name: "x"}

    found = [each for each in samples(decode(document), CATALOGUE) if each.name == "podres_pod_labels"]

    assert ["x"] == [value for label, value in found[0].labels if re.fullmatch(r"label_[a-z0-9_]*", label)]


def test_labels_of_exporters_of_0_1_have_metric_names() -> None:
    """They make the same series as they do there."""
    document: Any = encode(everything(), generated_at_seconds=0, version="0.1.7")
    document["pods"][0]["metadata"]["labels"] = {"label_example_com_app": "a", "label_x_conflict1": "b"}
    found = decode(document)
    series = [each for each in samples(found, CATALOGUE) if each.name == "podres_pod_labels"]

    assert found.allocation is not None
    assert found.allocation.pods[0].meta is not None
    assert (("example_com_app", "a"), ("x_conflict1", "b")) == found.allocation.pods[0].meta.labels
    assert {("label_example_com_app", "a"), ("label_x_conflict1", "b")} < set(series[0].labels)


def test_the_largest_numbers_that_are_written_are_read() -> None:
    """Quantities are capped at 63 bits; the kubelet tells the size of a block in 64, and sizes are added up."""
    found = read({"size": 2**96 - 1, "counts": {"a": 2**63 - 1}}, Rows, lambda record: record)

    assert (2**96 - 1, {"a": 2**63 - 1}) == (found.size, found.counts)


def test_a_key_that_is_no_text_is_named_too() -> None:
    """YAML has such keys."""
    with pytest.raises(DocumentError, match=r"^counts\[7\]: is 7; must be a text$"):
        rows_of({"counts": {7: 1}})


def test_a_key_that_is_no_text_is_ignored_where_unknown_keys_are() -> None:
    """YAML has such keys, and a newer release may add any."""
    assert [] == rows_of({7: 1, None: 2, "rows": None})


def test_a_long_text_is_cut_in_a_message() -> None:
    """A file of another kind must not fill the screen."""
    document: Any = encode(everything(), generated_at_seconds=0, version="")
    put(document, "pods[0].containers[0].alignment.verdict", "x" * 1000)

    with pytest.raises(DocumentError) as caught:
        decode(document)

    assert f"is '{'x' * 64}...'; known are" in str(caught.value)


def test_whole_numbers_are_amounts_too() -> None:
    """Tools that rewrite a document may write 5.0 as 5."""
    document: Any = encode(everything(), generated_at_seconds=0, version="")
    put(document, "usage.exclusiveCpus[0].cpuSeconds", 5)

    assert 5.0 in decode(document).usage.cpu_seconds.values()


def test_a_cpu_that_is_held_twice_is_a_number() -> None:
    """Its NUMA node is looked up by it."""
    document: Any = encode(everything(), generated_at_seconds=0, version="")
    put(document, "heldTwice[1].item", "x")

    with pytest.raises(DocumentError, match=r"^heldTwice: has a CPU 'x'; it must be the number of a CPU$"):
        decode(document)
