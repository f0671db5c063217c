"""
The DRA metrics of one scenario of each kind, served by the simulated node over real sockets.

Beside each `dra/NAME.yaml` stands what a scrape has in the end, of the families that DRA has a part in. Every line was
read against `facts` of the API: resource.k8s.io, KEP-4381, KEP-5677 (what is left), KEP-5075 (shares), KEP-5004
(extended resources), KEP-4816 (firstAvailable). `pytest tests/golden --update-golden` rewrites them.
"""

import difflib
from pathlib import Path

import pytest
from dra_rig import Played, played
from eventually import eventually

from podres_exporter.families.catalogue import CATALOGUE

HERE = Path(__file__).parent / "dra"
SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.yaml"))
ALSO = ("podres_container_numa_", "podres_node_double_held_claim")
CPUS = (
    "podres_container_exclusive_cpus",
    "podres_container_cpuset_info",
    "podres_node_unlisted_exclusive_cpus",
    "podres_node_exclusive_cpus",
    "podres_node_shared_pool_cpus",
    "podres_node_allocatable_cpus",
    "podres_node_largest_aligned_cpus",
)
FAMILIES = tuple(
    f"{family.name}{{" for family in CATALOGUE if family.collector in {"dra", "claims"} or family.name.startswith(ALSO)
)
DEVICES = ("podres_container_device_info", "podres_node_free_devices", "podres_node_double_held_devices")
SETTLED_LOOKS = 3000


def shown(scenario: str, page: str) -> str:
    """Return the lines of a page that DRA has a part in; those of CPUs or plugins where they matter."""
    families = (*FAMILIES, *(CPUS if scenario.startswith("cpu") else DEVICES if scenario == "dual-mode" else ()))
    up = 'podres_source_up{source="dra"}'
    return "".join(line for line in page.splitlines(keepends=True) if line.startswith((*families, up)))


def settled(scenario: str, node: Played) -> str:
    """Return what is shown once it has not changed for a few seconds; for rewriting the files."""
    last, looks = "", 0
    while looks < SETTLED_LOOKS:
        now = shown(scenario, node.page())
        looks = looks + 1 if now == last else 0
        last = now
    return last


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_shown_as_its_golden_page_says(
    scenario: str, short_dir: Path, pytestconfig: pytest.Config
) -> None:
    file = HERE / "pages" / f"{scenario}.prom"
    with played((HERE / "scenarios" / f"{scenario}.yaml").read_text(encoding="utf-8"), short_dir) as node:
        if pytestconfig.getoption("--update-golden"):
            file.write_text(settled(scenario, node), encoding="utf-8")
        wanted = file.read_text(encoding="utf-8")
        seen = ""

        def is_shown() -> bool:
            nonlocal seen
            seen = shown(scenario, node.page())
            return seen == wanted

        assert eventually(is_shown, 20_000), "\n".join(difflib.unified_diff(wanted.splitlines(), seen.splitlines()))
