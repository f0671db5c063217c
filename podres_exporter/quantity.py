"""Parse and format Kubernetes quantities: `500m`, `1.5Gi`, `12E2`."""

import re

_QUANTITY = re.compile(
    r"\+?(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<power>[+-]?[0-9]+))?"
)
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BITS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

_MOST = 2**63 - 1
"""The range of int64, at which Kubernetes caps binary amounts; here decimal ones are capped too."""
_LONGEST = 64
"""In characters. Kubernetes writes far shorter ones; without a limit, parsing time would be unbounded."""
_FAR = 200
"""A power of ten beyond which, within the longest text, the result is capped or rounded up to 1 anyway."""


def parse_millicores(text: str) -> int:
    """
    Return thousandths of a CPU of a quantity such as `2`, `1.5` or `500m`, rounded up, at most 2**63 - 1.

    Raises ValueError for anything else, negative amounts included.

    Source: Kubernetes resource.Quantity, MilliValue.
    """
    amount = _scaled(text, 3)
    if amount is None:
        raise ValueError(f"{text[:_LONGEST]!r} is not a number of CPUs")
    return amount


def parse_quantity(text: str) -> int:
    """
    Return the bytes or items of a quantity such as `256Gi`, `1.5G`, `1e3` or `4096`, rounded up, at most 2**63 - 1.

    Raises ValueError for anything else, negative amounts included.

    Source: Kubernetes resource.Quantity, Value.
    """
    amount = _scaled(text, 0)
    if amount is None:
        raise ValueError(f"{text[:_LONGEST]!r} is not a size")
    return amount


def _scaled(text: str, power: int) -> int | None:
    """
    Return the quantity times ten to *power*, rounded up; None if the text is not a quantity.

    A positive amount never becomes 0: the least is 1 (ParseQuantity rounds up, too).

    Nothing that asks for something becomes nothing: the least amount is 1 (ParseQuantity rounds up, too).
    """
    match = _QUANTITY.fullmatch(text.strip()[: _LONGEST + 1])
    if match is None or len(match[0]) > _LONGEST:
        return None
    whole, part, suffix = match["whole"], match["part"] or "", match["suffix"]
    if not whole + part:
        return None
    power += int(match["power"] or _POWERS.get(suffix, 0)) - len(part)
    number = int(whole + part) << _BITS.get(suffix, 0)
    scale: int = 10 ** min(abs(power), _FAR)
    return min(-(-number // scale) if power < 0 else number * scale, _MOST)


def bytes_text(size: int) -> str:
    """Return bytes as Kubernetes writes them, with at most one decimal, rounded down: `96Gi`, `3.7Gi`."""
    for suffix, bits in reversed(_BITS.items()):
        if size >> bits:
            tenths = size * 10 >> bits
            return f"{tenths // 10}.{tenths % 10}{suffix}" if tenths % 10 else f"{tenths // 10}{suffix}"
    return str(size)
