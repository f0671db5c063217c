"""Every planted bug still applies to the code."""

from pathlib import Path

import pytest
from storm.planted import BUGS, PACKAGE, ROOT, Bug, check, plant


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_a_change_of_one_place(bug: Bug) -> None:
    """Its text stands in the package exactly once."""
    check(bug, (ROOT / PACKAGE / bug.file).read_text(encoding="utf-8"))


def test_a_bug_is_planted_into_a_copy(tmp_path: Path) -> None:
    """The package itself stays as it is."""
    bug = BUGS[0]
    plant(bug, tmp_path)

    assert bug.after in (tmp_path / PACKAGE / bug.file).read_text(encoding="utf-8")
    assert bug.before in (ROOT / PACKAGE / bug.file).read_text(encoding="utf-8")


def test_a_bug_whose_place_is_gone_is_an_error() -> None:
    """The list has to follow the code, or it proves nothing."""
    with pytest.raises(ValueError, match="'it' 0 times"):
        check(Bug("it", "model/snapshot.py", "a text", "another"), "no such thing")
