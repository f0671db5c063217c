"""Quantities as the API server writes them, whatever a client has sent: `1000m` is `1`, `0.5` is `500m`."""

import re
from fractions import Fraction

FORMAT = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""What an error names; the real pattern is narrower."""

_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE](?P<power>[+-]?[0-9]{1,3}))?"
)
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_KIBI = 1024
_LONGEST = 64


def parse(text: str) -> tuple[Fraction, str]:
    """
    Return the amount, to the nearest billionth above, and its suffix. Raises ValueError where it is no quantity.

    Source: apimachinery pkg/api/resource/quantity.go ParseQuantity.
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError(f"quantities must match the regular expression '{FORMAT}'")
    suffix, power = match["suffix"] or "", match["power"]
    amount = Fraction(f"{match['sign']}{match['whole'] or 0}.{match['part'] or 0}")
    if power is not None:
        amount *= Fraction(10) ** int(power)
    elif suffix.endswith("i"):
        amount *= _KIBI ** _BINARY.index(suffix)
    else:
        amount *= Fraction(10) ** next(each for each, letter in _DECIMAL.items() if letter == suffix)
    nano = amount * 10**9
    rounded = -(-nano.numerator // nano.denominator) if nano > 0 else nano.numerator // nano.denominator
    return Fraction(rounded, 10**9), suffix


def canonical(text: str) -> str:
    """
    Return the quantity with the largest suffix that leaves a whole number. Raises ValueError where it is none.

    Source: Quantity.CanonicalizeBytes.
    """
    amount, suffix = parse(text)
    if not amount:
        return "0"
    if suffix.endswith("i") and abs(amount) >= _KIBI and amount.denominator == 1:
        number, steps = int(amount), 0
        while number % _KIBI == 0 and steps < len(_BINARY) - 1:
            number, steps = number // _KIBI, steps + 1
        return f"{number}{_BINARY[steps]}"
    power = max(each for each in _DECIMAL if (amount / Fraction(10) ** each).denominator == 1)
    number = int(amount / Fraction(10) ** power)
    letter = _DECIMAL[power]
    return f"{number}e{power}" if suffix[:1] in {"e", "E"} and suffix != "E" and power else f"{number}{letter}"
