"""Values on which parsers often fail, by format."""

from random import Random
from typing import Any

TEXTS = (
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\\",
    '"',
    '\\"',
    "\\n",
    '"} 1\n',
    '",le="',
    "# EOF",
    "# HELP x y",
    "{}",
    "{{.}}",
    "%s%n%d",
    "%",
    "a=b",
    "../../etc/passwd",
    "$1",
    "\t",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202eevil",
    "\u2066",
    "\ufeff",
    "\ufffe",
    "e\u0301",
    "\U0001f680",
    "\U0010ffff",
    "\ud800",
    "\udcff",
    "<script>",
    "&amp;",
    "null",
    "NaN",
    "+Inf",
    "0x10",
    "1e999",
    "-0",
    "9" * 40,
    "9" * 400,
    "0-65535",
    "0-99999999999",
    "1:30",
    "2020-99-99",
    "x" * 2_000,
    "é" * 300,
    "a,b",
    "GPU-7f3c::3",
    "GPU-7f3c/vgpu2",
    "nvidia.com/gpu",
    "pods=[*]",
    "Always",
    "Succeeded",
)
"""Texts; some have characters that end a line or a value, some are long, some are half a character."""

NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    63,
    64,
    65535,
    65536,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63),
    10**18,
    10**30,
    10**400,
    0.5,
    -0.0,
    1e15,
    1e308,
    -1e308,
    5e-324,
    float("inf"),
    float("-inf"),
    float("nan"),
)
"""Numbers around the widths of their types, and beyond any."""

OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [None], [[]], {"": ""}, [{}], {"a": []})
"""What is neither."""

VARINTS = (
    b"\0",
    b"\x7f",
    b"\x80\1",
    b"\xff\xff\3",
    b"\xff\xff\xff\xff\x0f",
    b"\xff" * 9 + b"\1",
    b"\x80" * 10,
    b"\xff" * 12,
)
"""Numbers as protobuf writes them: small, huge, negative, too long, and without an end."""


def text(rng: Random) -> str:
    """Return a hostile text, or several on end."""
    return "".join(rng.choices(TEXTS, k=rng.choice((1, 1, 1, 2, 4))))


def value(rng: Random) -> Any:
    """Return a value of any type."""
    return rng.choice((text, lambda one: one.choice(NUMBERS), lambda one: one.choice(OTHERS)))(rng)
