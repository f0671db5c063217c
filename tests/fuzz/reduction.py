"""Reduce a failing input to a small one with the same failure."""

from fuzz.engine import Finding, Target, tried, weighed

from podres_exporter.clock import SystemClock

_SECONDS = 10.0


def reduced(target: Target, finding: Finding, seconds: float = _SECONDS) -> bytes:
    """
    Return the shortest input found in the time that leads to the same finding.

    Chunks are left out, half of the input first and single bytes at last (the idea of delta debugging).
    """
    clock = SystemClock()
    until = clock.monotonic_seconds() + seconds
    data, size = finding.data, max(1, len(finding.data) // 2)
    while size:
        position, is_shorter = 0, False
        while position < len(data):
            if clock.monotonic_seconds() > until:
                return data
            candidate = data[:position] + data[position + size :]
            if _fails_alike(target, candidate, finding.signature):
                data, is_shorter = candidate, True
            else:
                position += size
        size = min(size, len(data)) if is_shorter and size == 1 else size // 2
    return data


def _fails_alike(target: Target, data: bytes, signature: str) -> bool:
    found = weighed(target, data)[1] if signature == "too much memory" else tried(target, data)[1]
    return found is not None and found.signature == signature
