"""promtool's linter accepts the golden pages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def promtool() -> str:
    """
    Return where promtool is.

    CI installs it, so there its absence is a failure. Elsewhere (`make test` needs Python and make only) the tests are
    skipped and say so in the summary.
    """
    found = shutil.which("promtool")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("promtool is not installed, and CI=true says that it must be")
    if found is None:
        pytest.skip("promtool is not installed; Debian has it in the package prometheus")
    return found


@pytest.mark.parametrize("page", sorted(HERE.glob("*.prom")), ids=lambda path: path.stem)
def test_promtool_finds_nothing_to_say_about_a_golden_page(page: Path, promtool: str) -> None:
    """`promtool check metrics`: syntax, and naming, units, help and types as Prometheus wants them."""
    with page.open("rb") as text:
        done = subprocess.run([promtool, "check", "metrics"], stdin=text, capture_output=True, check=False)

    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)


def test_promtool_would_find_a_fault(promtool: str) -> None:
    """A linter that is never seen to complain proves nothing."""
    done = subprocess.run([promtool, "check", "metrics"], input=b"x_total 1\n", capture_output=True, check=False)

    assert 3 == done.returncode
    assert b"no help text" in done.stderr


def test_there_are_golden_pages_to_lint() -> None:
    """The list above is made from what is there."""
    recorded = {f"kubelet-{release}{kind}" for release in ("1.27", "1.36") for kind in ("", ".metadata")}

    assert {"demo", *recorded} == {page.stem for page in HERE.glob("*.prom")}
