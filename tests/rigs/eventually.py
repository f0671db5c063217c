"""Wait until a condition holds, with a generous timeout."""

import threading
from collections.abc import Callable


def eventually(predicate: Callable[[], bool], attempts: int = 60_000) -> bool:
    """Return True once the predicate holds, asked every millisecond; False after that many times, a minute or more."""
    never = threading.Event()
    return any(predicate() or never.wait(0.001) for _ in range(attempts))
