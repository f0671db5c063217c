"""Sets of CPU or NUMA node numbers, and the kernel's list format for them (`0-3,8`)."""

from collections.abc import Iterable

CpuSet = frozenset[int]

MAX_NUMBER = 65535
"""NR_CPUS is at most 8192; a larger range would only fill memory."""


def parse_cpuset(text: str) -> CpuSet:
    """
    Return the numbers that a kernel list such as `0-3,8` names; an empty or blank text is the empty set.

    Raises ValueError naming the part that is not a number or an ascending range.

    Source: "List format" of cpuset(7), as in /sys/devices/system/node/node*/cpulist.
    """
    numbers: set[int] = set()
    for part in text.strip().split(","):
        if not part.strip():
            continue
        first, dash, last = part.strip().partition("-")
        if not (first.isascii() and first.isdecimal()) or (dash and not (last.isascii() and last.isdecimal())):
            raise ValueError(f"{part.strip()!r} is not a CPU number or a range such as 0-3")
        if max(len(first), len(last)) > 5 or max(int(first), int(last or first)) > MAX_NUMBER:
            raise ValueError(f"{part.strip()!r} is beyond {MAX_NUMBER}")
        start, end = int(first), int(last or first)
        if end < start:
            raise ValueError(f"range {part.strip()!r} runs backwards")
        numbers.update(range(start, end + 1))
    return frozenset(numbers)


def format_cpuset(cpus: Iterable[int]) -> str:
    """Return the set as a kernel list, ascending, with ranges as long as possible; empty set, empty text."""
    ranges: list[str] = []
    start = end = -2
    for cpu in sorted(cpus):
        if cpu != end + 1:
            if end >= 0:
                ranges.append(f"{start}-{end}" if end > start else str(start))
            start = cpu
        end = cpu
    if end >= 0:
        ranges.append(f"{start}-{end}" if end > start else str(start))
    return ",".join(ranges)
