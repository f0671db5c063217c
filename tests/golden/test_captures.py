"""
Whole metrics pages of recorded kubelets and the demo, compared byte for byte.

`pytest tests/golden --update-golden` rewrites the files. Read the diff: every line of a capture's page was checked by
hand against the truth files beside the capture; `test_truth.py` derives most of them a second time.
"""

from pathlib import Path

import pytest
from captures import capture
from pages import read_back, said_by, whole_page

from podres_exporter.allowlist import parse_allowlist
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.join import Joiner, accrue
from podres_exporter.model import (
    Allocatable,
    Listing,
    Metadata,
    Part,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
    Usage,
)
from podres_exporter.podmeta import PodDecoder, decode_list
from podres_exporter.scenario import node_at
from podres_exporter.sim import builtin_scenario
from podres_exporter.sources import SysfsTopology
from podres_exporter.wire import AllocatableDecoder, ListDecoder

HERE = Path(__file__).parent
RELEASES = ["kubelet-1.36", "kubelet-1.27"]
FAMILIES = selected(COLLECTORS)
SUFFIXES = {Format.TEXT: "prom", Format.OPENMETRICS: "openmetrics"}
ASKED_AT_SECONDS = 1_700_000_000.0
HELD_SECONDS = 10.0
DEMO_SECONDS = 30.0


def snapshot_of(
    node: str, listing: Listing, allocatable: Allocatable, topology: Topology, metadata: Metadata | None = None
) -> Snapshot:
    """Return what the page shows of these answers when they were given ten seconds ago and all is well."""
    allocation = Joiner().join(listing, allocatable, topology, metadata)
    return Snapshot(
        node,
        allocation,
        metadata,
        sources=tuple(SourceHealth(source, True, ASKED_AT_SECONDS) for source in ("kubelet", "topology")),
        rpcs=tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in ("List", "GetAllocatableResources", "Get")),
        parts=tuple(Part(part, stale=False, held=False) for part in ("pods", "allocatable")),
        usage=accrue(Usage(), allocation, HELD_SECONDS),
    )


def write_captured_sysfs(root: Path) -> None:
    """
    Write the topology of the recorded node: CPUs 0-3 on node 0, 4-7 on node 1 (captures/README.md).

    Cores and sockets were not recorded: a core for each CPU and a socket for each node.
    """
    for node, cpulist, cpus in ((0, "0-3", range(4)), (1, "4-7", range(4, 8))):
        folder = root / f"devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cpulist}\n")
        for cpu in cpus:
            place = root / f"devices/system/cpu/cpu{cpu}/topology"
            place.mkdir(parents=True)
            (place / "core_id").write_text(f"{cpu}\n")
            (place / "physical_package_id").write_text(f"{node}\n")


def captured(release: str, sysfs: Path, metadata: Metadata | None = None) -> Snapshot:
    """Return the snapshot of a recorded kubelet: its bytes and a /sys go the way of a poll."""
    write_captured_sysfs(sysfs)
    listing = ListDecoder().decode(capture(release, "v1-list.bin"))
    allocatable = AllocatableDecoder().decode(capture(release, "v1-allocatable.bin"))
    return snapshot_of("node1", listing, allocatable, SysfsTopology(sysfs).read(), metadata)


def recorded_metadata(release: str) -> Metadata:
    """Return what the API server would have said of the pods, labels included."""
    decoder = PodDecoder(parse_allowlist("pods=[*]"))
    listed = decode_list(capture(release, "pods.json"), decoder)
    return Metadata({pod.meta.key: pod.meta for pod in listed.pods}, synced=True)


def compare(actual: str, file: Path, config: pytest.Config) -> None:
    """Compare with the golden file, or rewrite it where that was asked for."""
    if config.getoption("--update-golden"):
        file.write_text(actual, encoding="utf-8", newline="\n")

    assert file.read_bytes().decode() == actual


@pytest.mark.parametrize("text_format", Format)
@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_kubelet_gives_its_golden_page(
    release: str, text_format: Format, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Order is part of the contract, so bytes are compared; all collectors are on."""
    page = whole_page(captured(release, tmp_path), FAMILIES, text_format)

    compare(page, HERE / f"{release}.{SUFFIXES[text_format]}", pytestconfig)


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_kubelet_and_its_pods_give_their_golden_page(
    release: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """What the API server adds, and the finished pod that it takes away from the page of 1.27."""
    page = whole_page(captured(release, tmp_path, recorded_metadata(release)), FAMILIES, Format.TEXT)

    compare(page, HERE / f"{release}.metadata.prom", pytestconfig)


def test_the_finished_pod_of_1_27_is_left_out_and_counted_once_somebody_says_that_it_has_finished(
    tmp_path: Path,
) -> None:
    """
    That kubelet lists job-node1 with memory that is no longer in use; without metadata that is unknown.

    Source: kubernetes #119423, #132020; fixed in 1.34 (#132028).
    """
    without = captured("kubelet-1.27", tmp_path / "without").allocation
    informed = captured("kubelet-1.27", tmp_path / "with", recorded_metadata("kubelet-1.27")).allocation
    assert without is not None
    assert informed is not None

    assert "job-node1" in {view.pod.name for view in without.pods}
    assert {"duplicate_name": 0} == without.skipped_pods
    assert {"job-node1"} == {view.pod.name for view in without.pods} - {view.pod.name for view in informed.pods}
    assert {"duplicate_name": 0, "terminal": 1} == informed.skipped_pods


def test_the_demo_gives_its_golden_page(pytestconfig: pytest.Config) -> None:
    """The built-in scenario at a fixed second, its truth joined without a socket between."""
    scenario = builtin_scenario()
    state = node_at(scenario, DEMO_SECONDS)

    page = whole_page(
        snapshot_of(scenario.node, Listing(state.pods), state.allocatable, state.topology), FAMILIES, Format.TEXT
    )

    compare(page, HERE / "demo.prom", pytestconfig)


@pytest.mark.parametrize("text_format", Format)
@pytest.mark.parametrize("release", RELEASES)
def test_a_golden_page_reads_back_to_the_samples_of_the_snapshot(
    release: str, text_format: Format, tmp_path: Path
) -> None:
    """prometheus_client's parsers accept both formats and find equal samples."""
    snapshot = captured(release, tmp_path)
    expected = said_by(snapshot, FAMILIES)

    actual = read_back((HERE / f"{release}.{SUFFIXES[text_format]}").read_text(encoding="utf-8"), text_format)

    assert expected == actual


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_of_a_recorded_answer_is_malformed(release: str) -> None:
    """Real kubelets' rows are all usable; a fault here would be ours."""
    listing = ListDecoder().decode(capture(release, "v1-list.bin"))
    allocatable = AllocatableDecoder().decode(capture(release, "v1-allocatable.bin"))

    assert ((), (), 0) == (listing.malformed, allocatable.malformed, listing.merged_pods)
