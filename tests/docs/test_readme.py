"""README.md says what the program does: its tables are compared with the data that the program itself reads."""

import re
import tomllib
from pathlib import Path

import pytest

from podres_exporter.cli import main
from podres_exporter.config import OPTIONS, Option
from podres_exporter.config.options import environment_name
from podres_exporter.errors import Reason
from podres_exporter.families import COLLECTORS, OFF_BY_DEFAULT

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text(encoding="utf-8")


def code(text: str) -> str:
    return f"`{text}`"


@pytest.fixture(scope="module")
def rows(readme: str) -> dict[str, list[str]]:
    """Return the other cells of every row of a table by its first cell."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in readme.splitlines() if line.startswith("| ")
    ]
    return {first: others for first, *others in cells}


def test_the_metric_table_is_the_output_of_the_metrics_command(readme: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue is a contract; README's table is printed from it."""
    main(["metrics", "-o", "markdown"])

    assert f"\n{capsys.readouterr().out}" in readme


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_every_option_has_a_row_with_its_twin_its_default_and_its_meaning(
    rows: dict[str, list[str]], option: Option[object]
) -> None:
    """`--help` and README show the same table."""
    twin, default, meaning = rows[code(option.flag)]

    assert code(option.environment) == twin
    assert (code(option.default) if option.default else option.otherwise) == default
    assert option.help == meaning


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_collector_has_a_row_with_its_twin_its_default_and_what_it_shows(
    rows: dict[str, list[str]], name: str
) -> None:
    """A collector that cannot be found cannot be switched off."""
    expected = [
        code(environment_name(f"--collector.{name}")),
        "off" if name in OFF_BY_DEFAULT else "on",
        COLLECTORS[name],
    ]

    assert expected == rows[f"`--[no-]collector.{name}`"]


def test_the_switch_of_the_node_label_has_a_row_with_its_twin_and_its_default(rows: dict[str, list[str]]) -> None:
    """Without the label, a page has to be told apart by its target."""
    assert ["`PODRES_METRICS_NODE_LABEL`", "on"] == rows["`--[no-]metrics.node-label`"][:2]


def test_no_flag_is_there_that_does_not_exist(rows: dict[str, list[str]]) -> None:
    """A flag of README's is a promise."""
    switches = [*(f"--[no-]collector.{name}" for name in COLLECTORS), "--[no-]metrics.node-label"]
    expected = {code(flag) for flag in (*(option.flag for option in OPTIONS), *switches)}

    assert expected == {flag for flag in rows if flag.startswith("`--")}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_an_error_is_named(readme: str, reason: Reason) -> None:
    """Whoever is woken by podres_kubelet_rpc_errors_total looks the reason up here."""
    assert re.search(rf"\b{reason.value}\b", readme)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_two_commands_of_a_newcomer_are_there(readme: str, command: str) -> None:
    """What it is, the two commands, real output."""
    assert command in readme


@pytest.mark.parametrize("command", ["demo", "test"])
def test_the_two_commands_of_a_newcomer_exist(command: str) -> None:
    """README promises them, the Makefile keeps the promise."""
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")

    assert f"\n{command}:" in makefile


@pytest.mark.parametrize("verb", ["serve", "demo", "metrics"])
def test_every_verb_is_there(readme: str, verb: str) -> None:
    """A command that README does not name is found by nobody; `make demo` runs the one of that name."""
    assert re.search(rf"\b(podres-exporter|make) {verb}\b", readme)


def test_the_picture_of_the_layers_is_the_contract_that_the_linter_keeps(readme: str) -> None:
    """Each layer is a line that begins as in pyproject.toml, from the top down."""
    contracts = tomllib.loads((README.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in contracts["contracts"] if each["type"] == "layers")
    picture = readme.partition("## How it is built")[2].split("```")[1].strip().splitlines()

    assert layers == [re.split(" {2,}", line)[0] for line in picture]
