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
