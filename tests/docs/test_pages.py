"""The tables of README.md and the linked pages equal the data that the program uses."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from podres_exporter.cli import main
from podres_exporter.config import OPTIONS, Option
from podres_exporter.config.options import environment_name
from podres_exporter.errors import Reason
from podres_exporter.families.collectors import COLLECTORS, OFF_BY_DEFAULT

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not {".venv", ".venvs", "node_modules", "build"} & {*page.relative_to(ROOT).parts}
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def read(path: str) -> str:
    """Return the text of a page."""
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme() -> str:
    return read("README.md")


def code(text: str) -> str:
    return f"`{text}`"


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Return the other cells of every row of the tables of flags by its first cell."""
    lines = read("deploy/docs/flags.md").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {first: others for first, *others in cells}


def test_the_metric_table_is_the_output_of_the_metrics_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue is a contract; the page's table is printed from it."""
    main(["metrics", "-o", "markdown"])

    assert f"\n{capsys.readouterr().out}" in read("deploy/docs/metrics.md")


def test_the_table_of_series_is_the_output_of_make_series() -> None:
    """What a node costs Prometheus, by collector: run `make series` and paste it."""
    command = [sys.executable, str(ROOT / "tests" / "bench" / "series.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert printed in read("deploy/docs/scale.md")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_every_option_has_a_row_with_its_variable_its_default_and_its_meaning(
    rows: dict[str, list[str]], option: Option[object]
) -> None:
    """`--help` and the page show the same table."""
    twin, default, meaning = rows[code(option.flag)]

    assert code(option.environment) == twin
    assert (code(option.default) if option.default else option.otherwise) == default
    assert option.help == meaning


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_collector_has_a_row_with_its_variable_its_default_and_what_it_shows(
    rows: dict[str, list[str]], name: str
) -> None:
    """A collector that cannot be found cannot be switched off."""
    expected = [
        code(environment_name(f"--collector.{name}")),
        "off" if name in OFF_BY_DEFAULT else "on",
        COLLECTORS[name],
    ]

    assert expected == rows[f"`--[no-]collector.{name}`"]


def test_the_switch_of_the_node_label_has_a_row_with_its_variable_and_its_default(rows: dict[str, list[str]]) -> None:
    """Without the label, a page has to be told apart by its target."""
    assert ["`PODRES_METRICS_NODE_LABEL`", "on"] == rows["`--[no-]metrics.node-label`"][:2]


def test_no_flag_is_there_that_does_not_exist(rows: dict[str, list[str]]) -> None:
    """A documented flag is a promise."""
    switches = [*(f"--[no-]collector.{name}" for name in COLLECTORS), "--[no-]metrics.node-label"]
    expected = {code(flag) for flag in (*(option.flag for option in OPTIONS), *switches)}

    assert expected == {flag for flag in rows if flag.startswith("`--")}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_an_error_is_named(reason: Reason) -> None:
    """An alert on podres_kubelet_rpc_errors_total gives the reason; these pages explain it."""
    assert re.search(rf"\b{reason.value}\b", read("deploy/docs/metrics.md") + read("deploy/docs/faults.md"))


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_two_commands_of_a_newcomer_are_there(readme: str, command: str) -> None:
    """What it is, the two commands, real output."""
    assert command in readme


@pytest.mark.parametrize("command", ["demo", "test"])
def test_the_two_commands_of_a_newcomer_exist(command: str) -> None:
    """README promises them, the Makefile keeps the promise."""
    assert f"\n{command}:" in read("Makefile")


@pytest.mark.parametrize("verb", ["serve", "demo", "metrics"])
def test_every_verb_is_there(readme: str, verb: str) -> None:
    """README names every command; `demo` is named by `make demo`."""
    assert re.search(rf"\b(podres-exporter|make) {verb}\b", readme)


def test_the_picture_of_the_layers_is_the_contract_that_the_linter_keeps() -> None:
    """Each layer is a line that begins as in pyproject.toml, from the top down."""
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in contracts["contracts"] if each["type"] == "layers")
    picture = read(".github/CONTRIBUTING.md").partition("## How it is built")[2].split("```")[1].strip().splitlines()

    assert layers == [re.split(" {2,}", line)[0] for line in picture]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    """A link to a page or heading that has moved is found here, not by a reader."""
    targets = [one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))]
    broken = []
    for target in targets:
        name, _, anchor = target.partition("#")
        to = (page.parent / name).resolve() if name else page
        if "://" not in target and not (to.exists() and (not anchor or anchor in anchors(to))):
            broken.append(target)

    assert [] == broken
