"""Byte counts as Kubernetes writes them."""

import re

_QUANTITY = re.compile(r"(\d+)([KMGTP]i|[kMGTP])?")
_FACTORS = {
    None: 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
}


_CPU = re.compile(r"(\d+)(?:\.(\d{1,3}))?|(\d+)m")


def parse_millicores(text: str) -> int:
    """
    Return thousandths of a CPU of a quantity such as `2`, `1.5` or `500m`.

    Raises ValueError for anything else.

    Source: Kubernetes resource.Quantity; CPU has a precision of one thousandth.
    """
    match = _CPU.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a number of CPUs")
    if match[3]:
        return int(match[3])
    return int(match[1]) * 1000 + int((match[2] or "0").ljust(3, "0"))


def parse_quantity(text: str) -> int:
    """
    Return the bytes that a whole quantity such as `256Gi`, `500M` or `4096` stands for.

    Raises ValueError for anything else; fractions and exponents are no sizes that a kernel has.

    Source: Kubernetes resource.Quantity, its binary and decimal suffixes.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    return int(match[1]) * _FACTORS[match[2]]
