"""Packages whose `__init__` runs only when one of its names is needed."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from podres_exporter.deferred import defer


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the log of what has run of a package `heavy` with a package `heavy.part`, each with a module."""
    log = tmp_path / "log"
    log.touch()
    note = "with open({!r}, 'a') as log: log.write(__name__ + '\\n')\n"
    part = tmp_path / "heavy" / "part"
    part.mkdir(parents=True)
    for path, more in (
        (part.parent / "__init__.py", "from heavy import part\nanswer = 42\n__version__ = '1.2'\n"),
        (part.parent / "module.py", ""),
        (part / "__init__.py", "from heavy.part.module import name\nother = 43\n"),
        (part / "module.py", "name = 'module'\n"),
    ):
        path.write_text(note.format(str(log)) + more, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield log
    for name in [name for name in sys.modules if name.partition(".")[0] == "heavy"]:
        del sys.modules[name]


def imported(name: str, attribute: str) -> object:
    """Return what `from name import attribute` binds."""
    return getattr(__import__(name, fromlist=[attribute]), attribute)


def test_a_module_is_imported_without_its_packages(package: Path) -> None:
    defer("heavy", "heavy.part")

    assert "module" == imported("heavy.part.module", "name")
    assert "heavy.part.module\n" == package.read_text(encoding="utf-8")


def test_a_package_runs_once_when_one_of_its_own_names_is_asked_for(package: Path) -> None:
    defer("heavy", "heavy.part")

    assert [43, 43, 42] == [
        imported("heavy.part", "other"),
        imported("heavy.part", "other"),
        imported("heavy", "answer"),
    ]
    assert ["heavy.part", "heavy.part.module", "heavy"] == package.read_text(encoding="utf-8").split()


@pytest.mark.usefixtures("package")
def test_what_a_package_says_of_itself_is_there() -> None:
    """`requests`, which kubeconfigs need, asks urllib3 for its `__version__` as it is imported."""
    defer("heavy", "heavy.part")

    assert "1.2" == imported("heavy", "__version__")


def test_a_name_that_is_nowhere_is_missed_as_ever(package: Path) -> None:
    defer("heavy", "heavy.part")

    with pytest.raises(ImportError, match="nothing"):
        exec("from heavy.part import nothing", {})  # noqa: S102 - the statement, with its own error
    with pytest.raises(AttributeError, match="heavy"):
        _ = imported("heavy", "__wrapped__")
    assert "heavy.part" in package.read_text(encoding="utf-8")


def test_a_package_that_is_imported_already_stays_as_it_is(package: Path) -> None:
    heavy = __import__("heavy")
    before = package.read_text(encoding="utf-8")

    defer("heavy", "heavy.part")

    assert heavy is sys.modules["heavy"]
    assert (42, before) == (imported("heavy", "answer"), package.read_text(encoding="utf-8"))


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(ImportError, match="no_such_package"):
        defer("no_such_package")


def test_a_module_that_is_asked_of_its_package_is_imported_alone(package: Path) -> None:
    """`from . import module` in a sibling must not wake the package."""
    defer("heavy", "heavy.part")

    assert "heavy.part.module" == getattr(imported("heavy.part", "module"), "__name__", "")
    assert "heavy.part.module\n" == package.read_text(encoding="utf-8")
