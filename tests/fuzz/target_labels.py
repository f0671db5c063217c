"""
Fuzz target: hostile names from kubelet and API server, in every output.

An input is a JSON list of texts; each becomes every kind of name in turn. What is whole comes back unchanged.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from builders import TWO_NODES, field
from fuzz import atoms
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_everything
from pod_json import asking, owner_json, pod_json, to_bytes

from podres_exporter.join import Joiner, accrue
from podres_exporter.model import Metadata, Snapshot, Usage
from podres_exporter.podmeta import PodDecoder, decode_list, parse_allowlist
from podres_exporter.wire import AllocatableDecoder, ListDecoder

_DECODER = PodDecoder(parse_allowlist("pods=[*]"))
_NAMES_OF_A_POD = 14
_PODS = 2
_LONGEST = 24
_LABEL_VALUE = 10
_LABELS = ("namespace", "pod", "container", "resource", "device")


@contextmanager
def labels(_folder: Path) -> Iterator[Target]:
    """Yield the target; among its seeds is every hostile text by itself."""
    seeds = [[text, "a"] for text in atoms.TEXTS]
    seeds += [["ml", "train-0", "main", "nvidia.com/gpu", "GPU-0", "d", "p", "x", "v=c", "app", "a"], list(atoms.TEXTS)]
    yield Target("labels", [json.dumps(each).encode() for each in seeds], _mutate, _check)


def _mutate(data: bytes, rng: Random) -> bytes:
    texts = _texts(data) or ["a"]
    for _ in range(rng.choice((1, 2, 5))):
        place = rng.randint(0, len(texts))
        match rng.randrange(5):
            case 0:
                texts.insert(place, atoms.text(rng))
            case 1:
                texts[place : place + 1] = [atoms.text(rng) + rng.choice(texts)]
            case 2:
                texts[place : place + 1] = ["".join(map(chr, rng.choices(range(0x3000), k=rng.randint(1, 9))))]
            case 3:
                texts[place : place + 1] = [chr(rng.randrange(0x110000)) * rng.choice((1, 1, 300))]
            case _:
                texts.insert(place, rng.choice(texts))
    return json.dumps(texts[:_LONGEST]).encode()


def _texts(data: bytes) -> list[str]:
    """Return the texts; none where the input is something else, as happens while one is reduced."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else []


def _check(data: bytes, _is_thorough: bool) -> str:
    texts = _texts(data)
    if not texts:
        return "no input"
    named = [[texts[(number * 5 + slot) % len(texts)] for slot in range(_NAMES_OF_A_POD)] for number in range(_PODS)]
    listing = ListDecoder().decode(b"".join(field(1, _pod_row(names)) for names in named))
    allocatable = AllocatableDecoder().decode(b"".join(field(1, _device_row(names)) for names in named))
    decoded = decode_list(_list_json(named), _DECODER)
    metas = {each.meta.key: each.meta for each in decoded.pods}
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=1.0)
    allocation = Joiner().join(listing, allocatable, TWO_NODES, metadata)
    series = check_everything(Snapshot("n1", allocation, metadata=metadata, usage=accrue(Usage(), allocation, 0.1)))
    shown = [dict(pairs) for name, pairs, _ in series if name == "podres_container_device_info"]
    missing = {names for names in map(_held, named) if names} - {tuple(row[each] for each in _LABELS) for row in shown}
    if missing:
        raise PromiseError(f"a name does not come back: {min(missing)!r}")
    values = {value for name, pairs, _ in series if name == "podres_pod_labels" for _, value in pairs}
    lost = {_said(names[_LABEL_VALUE]) for names in named if _held(names) and tuple(names[:2]) in metas} - values
    if lost and not _shares_a_name(named):
        raise PromiseError(f"a label does not come back: {min(lost)!r}")
    return f"{GOOD} {len(listing.malformed)} {len(decoded.malformed)} {listing.merged_pods}"


def _shares_a_name(named: Sequence[Sequence[str]]) -> bool:
    """Whether two of the pods have one name: the API server has but one of each."""
    return len({tuple(names[:2]) for names in named}) < len(named)


def _held(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the first device of the pod; none where the bytes of one are no UTF-8, or one is empty."""
    held = tuple(names[: len(_LABELS)])
    return held if all(held) and not any("\ud800" <= c <= "\udfff" for text in held for c in text) else ()


def _bytes(text: str) -> bytes:
    """Return the text as a kubelet might send it: half a character is no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def _device_row(names: Sequence[str]) -> bytes:
    topology = field(3, field(1, field(1, 1)))
    return field(1, _bytes(names[3])) + field(2, _bytes(names[4])) + field(2, _bytes(names[5])) + topology


def _pod_row(names: Sequence[str]) -> bytes:
    claim_device = b"".join(field(2 + index, _bytes(text)) for index, text in enumerate(names[6:9]))
    claim = (
        field(2, _bytes(names[5]))
        + field(3, _bytes(names[0]))
        + field(4, field(1, field(1, _bytes(names[9]))) + claim_device)
    )
    memory = field(1, _bytes(names[11])) + field(2, 4096)
    container = (
        field(1, _bytes(names[2])) + field(2, _device_row(names)) + field(3, 1) + field(4, memory) + field(5, claim)
    )
    return field(1, _bytes(names[1])) + field(2, _bytes(names[0])) + field(3, container)


def _list_json(named: Sequence[Sequence[str]]) -> bytes:
    """Return the pods as the API server lists them; what JSON cannot say becomes a question mark."""
    items = [_pod_json([_said(text) for text in names]) for names in named]
    return to_bytes({"metadata": {}, "items": items})


def _said(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _pod_json(names: Sequence[str]) -> dict[str, object]:
    namespace, name, container, resource, device = names[:5]
    health = [{"name": resource, "resources": [{"resourceID": device, "health": names[12], "message": names[13]}]}]
    owner = owner_json(names[12], names[13], "v1")
    return pod_json(
        asking(container, limits={resource: "1"}),
        metadata={
            "namespace": namespace,
            "name": name,
            "labels": {names[9]: names[_LABEL_VALUE]},
            "ownerReferences": [owner],
        },
        spec={"priorityClassName": names[11]},
        status={
            "qosClass": names[12],
            "startTime": "2026-11-21T00:00:00Z",
            "containerStatuses": [{"name": container, "allocatedResourcesStatus": health}],
        },
    )
