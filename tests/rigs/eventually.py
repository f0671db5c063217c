"""Wait until a condition holds, with a generous timeout."""

import threading
from collections.abc import Callable

from podres_exporter.clock import SystemClock

LONGEST_PAUSE_SECONDS = 0.1
LONGEST_SECONDS = 240.0
"""Less than what ends a test, so that the test says what never came."""


def eventually(predicate: Callable[[], bool], attempts: int = 60_000) -> bool:
    """
    Return True once the predicate holds; False after that many attempts, a minute or more.

    It is asked every millisecond, and one that takes longer itself, as reading a page does, in a sixth of the time:
    what is waited for may need the processor.
    """
    clock, never = SystemClock(), threading.Event()
    began = clock.monotonic_seconds()
    for _ in range(attempts):
        asked = clock.monotonic_seconds()
        if predicate():
            return True
        answered = clock.monotonic_seconds()
        if answered - began > LONGEST_SECONDS:
            break
        never.wait(min(LONGEST_PAUSE_SECONDS, max(0.001, 5 * (answered - asked))))
    return False
