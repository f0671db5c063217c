"""Mutations of JSON documents that stay valid JSON."""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from fuzz import atoms
from fuzz.mutators import LONGEST, damaged

_RAW = re.compile(r'"@raw:([^"]*)@"')
"""Stands for text that `json.dumps` would not write, such as 1e400 or a thousand brackets."""

RAW = ("1e400", "-1e400", "9" * 400, "9" * 5000, "0x10", "NaN", "1.", "-", "01", "\\u0000", "")


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) below a node."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, inner in pairs:
        yield node, key
        yield from places(inner)


def mutated(data: bytes, rng: Random) -> bytes:
    """Return the JSON with something else in some places; what is no JSON, or is so one time in four, loses bytes."""
    if rng.random() < 0.25:
        return damaged(data, rng)
    try:
        root = [json.loads(data)]
        for _ in range(rng.choice((1, 1, 2, 5))):
            _change(root, rng)
    except (ValueError, RecursionError):
        return damaged(data, rng)
    return dumped(root[0], rng)


def dumped(tree: Any, rng: Random) -> bytes:
    """Return the tree as text, half of the time with every character in ASCII."""
    try:
        text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    except (ValueError, RecursionError):
        return b"[]"
    return _RAW.sub(lambda match: _raw(match[1]), text).encode("utf-8", "surrogatepass")[:LONGEST]


def _raw(what: str) -> str:
    """Return the text that a placeholder stands for."""
    kind, _, depth = what.partition("*")
    if not depth:
        return what
    return kind * int(depth) + ("]" if kind == "[" else "1" + "}" if kind.startswith("{") else "") * int(depth)


def _change(root: list[Any], rng: Random) -> None:
    """Change one place of the tree."""
    node, key = rng.choice(list(places(root)))
    match rng.randrange(9):
        case 0 | 1:
            node[key] = atoms.value(rng)
        case 2:
            node[key] = f"@raw:{rng.choice(RAW)}@"
        case 3:
            node[key] = f"@raw:[*{rng.choice((3, 100, 1100, 20_000))}@"
        case 4 if isinstance(node, dict):
            node[atoms.text(rng)] = node.pop(key)
        case 5 if isinstance(node, list):
            node[key:key] = [node[key]] * rng.choice((1, 2, 50))
        case 6 if isinstance(node, dict) or len(root) != 1 or node is not root:
            del node[key]
        case 7:
            other, place = rng.choice(list(places(root)))
            node[key] = json.loads(json.dumps(other[place]))
        case _ if isinstance(node[key], str):
            node[key] += atoms.text(rng)
        case _:
            node[key] = [node[key]] if rng.random() < 0.5 else {"a": node[key]}
