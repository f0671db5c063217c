"""Load YAML strictly: duplicate keys, odd tags and alias bombs are errors with a line number."""

from typing import Any

import yaml

from podres_exporter.yamldoc.values import Written

_ALIAS_FACTOR, _ALIAS_LEAST = 10, 10_000
"""Aliases may expand a document to ten times its size, and small ones further (as in go-yaml)."""

_DEEPEST = 100
"""Maximum nesting: for every token, PyYAML examines each open bracket."""

_TOO_DEEP = "it is nested too deeply"
_TAG = "tag:yaml.org,2002:"


class _PlainLoader(yaml.SafeLoader):
    """
    The safe loader, restricted to values that JSON has as well.

    A duplicate key is an error instead of silently replacing the first. Values that JSON does not have are errors that
    name the line.
    """

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803 - PyYAML's
        if self.flow_level >= _DEEPEST:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    def construct_document(self, node: Any) -> object:
        _check_aliases(node)
        document: object = super().construct_document(node)
        return document

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return _plain(super().construct_object(node, deep=deep))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # PyYAML hardly validates tagged values: !!int without digits is an IndexError. The value is not repeated in
            # the message because it may be a secret.
            problem = f"this value cannot be read as {node.tag.removeprefix(_TAG)}; put a text in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is written twice", problem_mark=key_node.start_mark)
            seen.add(key if isinstance(key, str | int) else None)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _WrittenLoader(_PlainLoader):
    """The same, but keeps how a number, boolean or date was written; every key is a text."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if not isinstance(node, yaml.ScalarNode) or node.style or node.tag in _AS_THEY_ARE:
            return super().construct_object(node, deep=deep)
        try:
            value = super().construct_object(node, deep=deep)
        except yaml.MarkedYAMLError:  # a date, or more than 64 bits
            value = node.value
        return Written(node.value, value)


_AS_THEY_ARE = {f"{_TAG}{name}" for name in ("str", "null", "merge")}


def load_document(text: str, *, keep_written: bool = False) -> object:
    """
    Return the value of a YAML document (JSON is a subset of YAML), None for an empty one.

    It consists of texts, numbers of at most 64 bits, booleans, null, lists and mappings; with *keep_written*, numbers
    and booleans are Written. Raises yaml.YAMLError.
    """
    loader = _WrittenLoader if keep_written else _PlainLoader
    try:
        document: object = yaml.load(text, Loader=loader)  # noqa: S506 - a subclass of the safe loader
    except RecursionError as error:
        raise yaml.YAMLError(_TOO_DEEP) from error
    return document


def _plain(value: object) -> object:
    """
    Return the value; raises ValueError or TypeError if JSON has no such value: dates, bytes, sets, infinite numbers.

    JSON escapes characters beyond 16 bits as surrogate pairs, which PyYAML leaves as they are; a lone surrogate is an
    error.
    """
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    if isinstance(value, int) and value.bit_length() > 64:
        raise ValueError("more than 64 bits")
    if not isinstance(value, str | int | float | list | dict | None):
        raise TypeError
    return value


def _check_aliases(root: yaml.Node) -> None:
    """
    Raise yaml.MarkedYAMLError if aliases contain themselves or expand the document excessively.

    Source: go-yaml's allowedAliasRatio, against documents that grow exponentially.
    """
    sizes: dict[int, int | None] = {}

    def size_of(node: yaml.Node) -> int:
        known = sizes.get(id(node), 0)
        if known is None:
            raise yaml.MarkedYAMLError(problem="an alias contains itself", problem_mark=node.start_mark)
        if not known:
            sizes[id(node)] = None
            known = sizes[id(node)] = 1 + sum(map(size_of, _children(node)))
        return known

    if size_of(root) > _ALIAS_FACTOR * len(sizes) + _ALIAS_LEAST:
        raise yaml.MarkedYAMLError(
            problem="aliases expand it to far too large a document", problem_mark=root.start_mark
        )


def _children(node: yaml.Node) -> list[yaml.Node]:
    match node:
        case yaml.MappingNode():
            return [child for pair in node.value for child in pair]
        case yaml.SequenceNode():
            return list(node.value)
        case _:
            return []
