"""Numbers and names as sentences want them."""

from collections.abc import Collection, Sequence

from podres_exporter.printable import printable

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 pod`, `2 pods`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def size_text(size: float) -> str:
    """Return bytes with a unit and at most one decimal: `562 B`, `1.2 MiB`."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.1f}".removesuffix(".0") + f" {_UNITS[power]}"


def seconds_text(seconds: float) -> str:
    """Return how long something took: `3 ms`, `1.2 s`."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds, 0.0) * 1000:.0f} ms"


def age_text(seconds: float) -> str:
    """Return how long ago something was, in its largest unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def some(names: Collection[str], most: int = 3) -> str:
    """Return the first names, safe to print, and how many more there are."""
    ordered = [printable(name) for name in names]
    more = len(ordered) - most
    return ", ".join(ordered) if more <= 0 else f"{', '.join(ordered[:most])} and {more} more"


def pods_text(keys: Collection[tuple[str, str]]) -> str:
    """Return some pods as `namespace/name`, sorted."""
    return some(["/".join(key) for key in sorted(keys)])
