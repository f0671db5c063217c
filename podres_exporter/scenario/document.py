"""YAML text to plain values, with nothing lost on the way."""

from typing import Any

import yaml


class _UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader, but a key written twice is an error instead of a silent loss of the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is written twice", problem_mark=key_node.start_mark)
            seen.add(key if isinstance(key, str | int) else None)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def load_document(text: str) -> object:
    """
    Return the value of a YAML document (JSON is a part of YAML), None of an empty one.

    Raises yaml.YAMLError.
    """
    document: object = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of the safe loader
    return document
