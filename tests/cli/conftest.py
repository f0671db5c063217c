"""Commands that run in this very process leave it as they found it."""

import gc
import logging
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _process() -> Iterator[None]:
    """Give signal handlers, logging and the garbage collector back as they were; a late signal hits nothing."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(-1)
    gc.unfreeze()
