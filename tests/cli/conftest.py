"""Isolation of commands that run in the test process: no cluster, no environment, signal handlers restored."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from look_rig import Command, Spot, spot

from podres_exporter.config import OPTIONS


@pytest.fixture(autouse=True)
def _process() -> Iterator[None]:
    """Give signal handlers and the garbage collector back as they were; a late signal hits nothing."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(-1)
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _environment(_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be outside of any cluster, with nothing set; after `_process`, so that what a test patches is undone first."""
    for name in (
        *(option.environment for option in OPTIONS),
        "NODE_NAME",
        "KUBERNETES_SERVICE_HOST",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir, metadata=True) as found:
        yield found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)
