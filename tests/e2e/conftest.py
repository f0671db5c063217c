"""Processes that end with the test."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Process, Start


@pytest.fixture(autouse=True)
def _interrupts() -> Iterator[None]:
    """Let SIGINT mean something in processes that are started, even if these tests run in a script's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(short_dir: Path) -> Iterator[Start]:
    """Yield a function that starts a process; it is gone after the test."""
    started: list[Process] = []

    def begin(*argv: str, **environment: str) -> Process:
        directory = short_dir / str(len(started))
        directory.mkdir()
        started.append(Process(directory, *argv, **environment))
        return started[-1]

    yield begin
    for process in started:
        process.dispose()
