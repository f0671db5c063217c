"""Fixtures and settings for all tests."""

import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("node_rig")  # its own assertions say what differs
# How long an example takes says more of the machine than of the code.
settings.register_profile("any machine", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("any machine"), max_examples=1000)
settings.load_profile("any machine")
# GNU readline in the process that starts pytest-xdist's workers gives them a width of 80, which no terminal here has.
os.environ.pop("COLUMNS", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites golden files; what it did is read in the diff."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/* instead of comparing")


WORKERS_PER_CORE = 2
"""Half of what the tests take is waiting: for processes, browsers, polls and pauses."""
WAITING = ("e2e", "soak", "podsapi", "storm", "deploy", "scale", "sim/live", "cli/look", "grafana")
"""Folders whose tests take longest. Begun last, one of them would be left running when all others are done."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what `--numprocesses=auto` means here."""
    return WORKERS_PER_CORE * len(os.sched_getaffinity(0))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every worker of pytest-xdist begin with its share of the long modules."""
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = dealt(items, workers)


def dealt(items: Sequence[pytest.Item], workers: int) -> Iterable[pytest.Item]:
    """Return the tests so that of as many equal parts as there are workers, as xdist makes them, each has a share."""
    folders = tuple(f"tests/{each}/" for each in WAITING)
    waiting = [item for item in items if item.nodeid.startswith(folders)]
    others = (item for item in items if not item.nodeid.startswith(folders))
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, (_, module) in enumerate(groupby(waiting, lambda item: item.path)):
        shares[number % workers] += module
    for share in shares:
        share.extend(islice(others, max(0, len(items) // workers - len(share))))
    return [*chain.from_iterable(shares), *others]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, once for each reason; the reason names what would run it."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.getreports("skipped"))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """
    Give the root logger back as it was: a command that a test runs in this process configures it.

    Left so, it would drop what the next test waits for in caplog, or write to a stream that pytest has closed.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Yield a directory whose path is short enough for a Unix socket; pytest's tmp_path is not."""
    directory = Path(tempfile.mkdtemp(prefix="pr"))
    yield directory
    shutil.rmtree(directory)
