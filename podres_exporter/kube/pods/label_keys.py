"""Count the label keys of the pods in a list, allowed or not."""

from collections import Counter

from msgspec import Raw, Struct
from msgspec.json import Decoder


class _Metadata(Struct):
    labels: dict[str, str] | None = None


class _Pod(Struct):
    metadata: _Metadata


class _List(Struct):
    items: list[Raw] | None = None


_LIST, _POD = Decoder(_List), Decoder(_Pod)


def label_keys(body: bytes) -> Counter[str]:
    """
    Return how many pods of a list have each label key.

    Unreadable pods are ignored; the pod decoder reports them.
    """
    keys: Counter[str] = Counter()
    try:
        items = _LIST.decode(body).items or []
    except (ValueError, RecursionError):
        return keys
    for item in items:
        try:
            keys.update((_POD.decode(item).metadata.labels or {}).keys())
        except (ValueError, RecursionError):
            continue
    return keys
