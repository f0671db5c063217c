"""Names, labels and help of all families follow the conventions of Prometheus and Kubernetes."""

import re
from collections import Counter

import pytest
from family_samples import Sample, rows, samples
from snapshots import one_container

from podres_exporter.families import own as own_families
from podres_exporter.families.catalogue import CATALOGUE, selected
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.families.spec import ExporterFamily, Family, Kind, UsageFamily
from podres_exporter.model import Container, Device, Snapshot, SourceHealth, Usage

EACH_FAMILY = pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)

# Source: prometheus.io/docs/practices/naming, "Base units".
OTHER_UNITS = {
    *("ns", "nanoseconds", "us", "microseconds", "ms", "milliseconds", "minutes", "hours", "days"),
    *("kb", "kib", "kilobytes", "mb", "mib", "megabytes", "gb", "gib", "gigabytes", "bits"),
    *("percent", "percentage", "millicores"),
}
# Suffixes that the formats give to the samples of histograms and summaries, and to the time a counter was made.
RESERVED_SUFFIXES = ("_sum", "_count", "_bucket", "_created", "_gsum", "_gcount")
# Source: prometheus.io/docs/instrumenting/writing_exporters, "Labels"; `job` and `instance` are Prometheus' own, `le`
# and `quantile` the formats'. `namespace`, `pod`, `container` and `node` are the Kubernetes instrumentation guide's
# names for what a series is about; the chart scrapes with honorLabels.
FORBIDDEN_LABELS = {
    *("job", "instance", "endpoint", "le", "quantile", "type"),
    *("region", "zone", "cluster", "az", "datacenter", "dc", "owner", "customer", "stage", "service"),
    *("environment", "env", "pod_name", "container_name", "node_name"),
}


def test_names_are_unique() -> None:
    """A family stands on the page once, with one HELP and one TYPE (exposition formats)."""
    counts = Counter(family.name for family in CATALOGUE)

    assert {1} == set(counts.values())


def test_no_name_is_taken_in_openmetrics_by_the_samples_of_another_family() -> None:
    """OpenMetrics 1.0, "MetricFamily": names must not clash once the suffixes of the types are added."""
    suffixes = {
        Kind.GAUGE: ("",),
        Kind.INFO: ("", "_info"),
        Kind.COUNTER: ("", "_total", "_created"),
        Kind.HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
    }
    taken = Counter(
        f"{family.name.removesuffix('_total').removesuffix('_info')}{suffix}"
        if family.kind in {Kind.INFO, Kind.COUNTER}
        else f"{family.name}{suffix}"
        for family in CATALOGUE
        for suffix in suffixes[family.kind]
    )

    assert [] == [name for name, times in taken.items() if times > 1]


@EACH_FAMILY
def test_a_name_is_snake_case_with_our_prefix(family: Family) -> None:
    """prometheus.io/docs/practices/naming: one-word application prefix; colons belong to recording rules."""
    assert re.fullmatch(r"podres(_[a-z][a-z0-9]*)+", family.name)


@EACH_FAMILY
def test_a_name_has_no_other_than_base_units(family: Family) -> None:
    """Seconds and bytes, in the plural, and at the end but for `_total`."""
    words = family.name.split("_")
    stem = family.name.removesuffix("_total")

    assert set() == OTHER_UNITS & set(words)
    assert set() == {"second", "byte"} & set(words)
    assert all(stem.endswith(unit) for unit in ("seconds", "bytes") if unit in words)


@EACH_FAMILY
def test_counters_and_only_counters_end_in_total(family: Family) -> None:
    """prometheus.io/docs/practices/naming; promtool lints it."""
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)


@EACH_FAMILY
def test_infos_and_only_infos_end_in_info(family: Family) -> None:
    """OpenMetrics 1.0, "Info": an info's sample ends in `_info`; another type of that name would be read as one."""
    assert family.name.endswith("_info") == (family.kind is Kind.INFO)


@EACH_FAMILY
def test_no_name_ends_like_the_samples_of_a_histogram(family: Family) -> None:
    """OpenMetrics 1.0, "Suffixes": these belong to the samples of other types."""
    assert not family.name.endswith(RESERVED_SUFFIXES)


@EACH_FAMILY
def test_labels_are_valid_and_nobody_elses(family: Family) -> None:
    """Data model: `__` is reserved; target labels would come out as `exported_...` (writing exporters)."""
    labels = [label.removesuffix("_*") for label in ("node", *family.all_labels)]  # label_*: the pod's own

    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", label) for label in labels)
    assert len(set(labels)) == len(labels)
    allowed = {"type"} if family.collector == "dra" else set[str]()  # what kubectl and drivers call it
    assert set() == (FORBIDDEN_LABELS - allowed) & set(labels)


@EACH_FAMILY
def test_a_name_does_not_spell_out_a_label(family: Family) -> None:
    """prometheus.io/docs/practices/naming, "Labels": not `..._by_resource` with a label `resource`."""
    assert not any(f"by_{label}" in family.name for label in family.all_labels)


@EACH_FAMILY
def test_help_is_one_line_of_sentences(family: Family) -> None:
    """It is what people read in the expression browser; line breaks would be escaped there."""
    assert family.help.strip() == family.help
    assert family.help.endswith(".")
    assert len(family.help.split()) > 2
    assert "\n" not in family.help
    assert "  " not in family.help


@EACH_FAMILY
def test_every_family_can_be_switched(family: Family) -> None:
    """Every family belongs to a collector."""
    assert family.collector in COLLECTORS


def test_every_collector_switches_something() -> None:
    """`process` is prometheus_client's; the rest are ours."""
    assert COLLECTORS.keys() - {"process"} == {family.collector for family in CATALOGUE}


def test_only_series_per_cpu_and_cgroups_are_off_by_default() -> None:
    """All collectors are on but `cpu-info` and `cpuset-drift`, which needs another mount."""
    off = {"podres_cpu_info", "podres_container_cpuset_drift_cpus", "podres_node_cpuset_unread_containers"}

    assert {"cpu-info", "cpuset-drift"} == COLLECTORS.keys() - DEFAULT_COLLECTORS
    assert off == {family.name for family in CATALOGUE} - {family.name for family in selected(DEFAULT_COLLECTORS)}


def test_selected_families_come_in_the_order_of_the_page() -> None:
    """Order is part of the contract, whatever order the switches were given in."""
    names = [family.name for family in selected(["usage", "claims", "devices"])]

    assert [
        *(family.name for family in CATALOGUE if family.collector == "devices"),
        *(family.name for family in CATALOGUE if family.collector == "claims"),
        *(family.name for family in CATALOGUE if family.collector == "usage"),
    ] == names
    assert () == selected([])


def test_samples_carry_the_node_where_they_speak_of_it() -> None:
    """`node` on the allocation and node families, switchable; not on the exporter's own."""
    snapshot = Snapshot(
        "n1",
        one_container(Container("c", devices=(Device("g", "0", frozenset()),))).allocation,
        sources=(SourceHealth("kubelet", True, 5),),
        usage=Usage(cpu_seconds={"ml": 1}),
    )
    wanted_names = ("podres_container_devices", "podres_exclusive_cpu_seconds_total", "podres_source_up")
    families = [family for family in CATALOGUE if family.name in wanted_names]
    container = (("namespace", "ml"), ("pod", "a"), ("container", "c"), ("resource", "g"))
    node = ("node", "n1")

    assert [
        Sample("podres_container_devices", (node, *container), 1.0),
        Sample("podres_exclusive_cpu_seconds_total", (node, ("namespace", "ml")), 1.0),
        Sample("podres_source_up", (("source", "kubelet"),), 1.0),
    ] == list(samples(snapshot, families))
    assert [
        Sample("podres_container_devices", container, 1.0),
        Sample("podres_exclusive_cpu_seconds_total", (("namespace", "ml"),), 1.0),
        Sample("podres_source_up", (("source", "kubelet"),), 1.0),
    ] == list(samples(snapshot, families, node_label=False))


@EACH_FAMILY
def test_without_an_allocation_only_the_exporter_and_the_totals_may_speak(family: Family) -> None:
    """Unavailable is never empty."""
    snapshot = Snapshot(
        "n1", None, sources=(SourceHealth("kubelet", False, 5),), usage=Usage({("ml", "g"): 1}, {"ml": 1})
    )

    assert [] == [row for row in rows(family, snapshot) if not isinstance(family, ExporterFamily | UsageFamily)]


@pytest.mark.parametrize("family", own_families.FAMILIES, ids=lambda family: family.name)
def test_counters_of_events_have_no_rows(family: Family) -> None:
    """They live in a registry, not in the snapshot, and so cannot appear twice."""
    assert [] == list(rows(family, one_container(Container("c"))))
