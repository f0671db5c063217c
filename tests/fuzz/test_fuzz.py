"""Every fuzz target for a short time, and every input that once failed."""

import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from fuzz.engine import Fuzzer, PromiseError, Target, tried, weighed
from fuzz.reduction import reduced
from fuzz.targets import TARGETS, kept

SECONDS, INPUTS = 1.2, 300
"""For each target; a busy machine tries fewer inputs, the first of which are the same."""

KEPT = [pytest.param(name, path, id=f"{name}-{path.name}") for name in TARGETS for path in kept(name)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the warnings of sources that are down, on purpose, out of the report of what failed."""
    logger = logging.getLogger("podres_exporter")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("name", TARGETS)
def test_what_comes_from_outside_is_read_or_refused_with_its_own_error(name: str, tmp_path: Path) -> None:
    with TARGETS[name](tmp_path) as target:
        tally = Fuzzer(target, Random(f"1/{name}")).run(SECONDS, INPUTS)  # noqa: S311 - no secret

    assert [] == [f"{each.signature}: {each.data[:200]!r}\n{each.text}" for each in tally.findings.values()]
    assert tally.inputs >= len(target.seeds)
    assert tally.outcomes.total() == tally.inputs


@pytest.mark.parametrize(("name", "path"), KEPT)
def test_what_failed_once_does_not_fail_again(name: str, path: Path, tmp_path: Path) -> None:
    with TARGETS[name](tmp_path) as target:
        _, finding = tried(target, path.read_bytes())
        _, heavy = weighed(target, path.read_bytes())

    assert (None, None) == (finding, heavy)


def test_the_same_seed_tries_the_same_inputs(tmp_path: Path) -> None:
    """A finding of CI is found again on any other machine."""
    tries: list[list[bytes]] = [[], []]
    with TARGETS["wire"](tmp_path) as target:
        for seen in tries:
            recorded = Target("wire", target.seeds, target.mutate, lambda data, _, seen=seen: seen.append(data) or "ok")  # type: ignore[misc]
            Fuzzer(recorded, Random(3)).run(20.0, 150)  # noqa: S311 - no secret

    assert tries[0] == tries[1]
    assert len(set(tries[0])) > 100


def _strict(data: bytes, _is_thorough: bool) -> str:
    """Stand for a reader that trips over one byte, spins at another, and takes 64 times as much as it gets."""
    if b"\x07" in data:
        raise PromiseError("rings")
    while b"\x08" in data:
        pass
    return "ok" if bytes(64 * 1024 * len(data)) else "nothing"


@pytest.mark.parametrize(
    ("data", "signature"),
    [
        (b"abc\x07def" * 9, "PromiseError rings"),
        (b"abc\x08def", "hang in outside"),
    ],
)
def test_a_finding_is_named_and_made_small(data: bytes, signature: str) -> None:
    """The fuzzer itself notices what it looks for."""
    target = Target("strict", [data], lambda each, _: each, _strict)
    _, finding = tried(target, data, seconds=0.05)

    assert finding is not None
    assert signature == finding.signature
    assert finding.text
    if signature.startswith("Promise"):
        assert b"\x07" == reduced(target, finding)


def test_an_input_that_takes_too_much_memory_is_a_finding() -> None:
    target = Target("strict", [], lambda each, _: each, _strict)

    peak, finding = weighed(target, b"a" * 1000)

    assert peak > 60
    assert finding is not None
    assert "too much memory" == finding.signature
    assert weighed(target, b"a" * 10)[1] is None
