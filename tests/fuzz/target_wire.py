"""
Fuzz target: damaged kubelet answers.

The first byte of an input says whose answer follows: L of List, A of GetAllocatableResources, G of Get.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from builders import TWO_NODES
from captures import CAPTURES
from fuzz import wirefields
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_everything, check_message
from google.protobuf.message import DecodeError

from podres_exporter._proto.podresources_frames_pb2 import ListFrame
from podres_exporter._proto.podresources_v1_pb2 import PodResources
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.join import Joiner
from podres_exporter.model import Allocatable, Listing, Malformed, Snapshot
from podres_exporter.recording import Pseudonyms
from podres_exporter.wire import AllocatableDecoder, ListDecoder, decode_get, renamed
from podres_exporter.wire.pods import decode_pod, unite_pods

_RPCS = {b"L": "List", b"A": "GetAllocatableResources", b"G": "Get"}
_FILES = {b"L": "*-list.bin", b"A": "*-allocatable.bin", b"G": "*-get-*.bin"}
_NAMES = Pseudonyms(b"key")


@contextmanager
def wire(_folder: Path) -> Iterator[Target]:
    """Yield the target, whose seeds are recorded answers of real kubelets."""
    seeds = [
        letter + path.read_bytes() for letter, glob in _FILES.items() for path in sorted(CAPTURES.glob(f"*/{glob}"))
    ]
    yield Target("wire", seeds, _mutate, _check)


def _mutate(data: bytes, rng: Random) -> bytes:
    return data[:1] + wirefields.mutated(data[1:], rng)


def _check(data: bytes, is_thorough: bool) -> str:
    rpc, answer = _RPCS.get(data[:1], "List"), data[1:]
    renamed(rpc, answer, _NAMES)
    try:
        if rpc == "List":
            return _check_list(answer, is_thorough=is_thorough)
        if rpc == "Get":
            listing, allocatable = decode_get(answer), None
            faults = listing.malformed
        else:
            listing, allocatable = Listing(()), AllocatableDecoder().decode(answer)
            faults = allocatable.malformed
    except KubeletError as error:
        return _refused(error, rpc)
    if is_thorough:
        _show(listing, allocatable)
    return _said(faults)


def _refused(error: KubeletError, rpc: str) -> str:
    if (error.reason, error.rpc) != (Reason.MALFORMED, rpc):
        raise PromiseError(f"an answer was refused for another reason: {error}") from error
    return check_message(error)


def _said(faults: tuple[Malformed, ...]) -> str:
    """Return what is new about the outcome: the kinds of its faults."""
    if any(not fault.problem for fault in faults):
        raise PromiseError(f"a fault that is not named: {faults!r}")
    return " ".join([GOOD, *sorted({fault.problem.partition("'")[0] for fault in faults})])


def _check_list(answer: bytes, *, is_thorough: bool) -> str:
    """Decode twice, as a poll and the next one do; look for every pod that is whole."""
    decoder = ListDecoder()
    listing = decoder.decode(answer)
    if listing != decoder.decode(answer) or listing != ListDecoder().decode(answer):
        raise PromiseError("what is remembered changes the listing")
    whole, broken = _sorted_out(answer)
    missing = whole - {pod.key for pod in listing.pods}
    if missing:
        raise PromiseError(f"a pod that is whole went down with another: {missing!r}")
    if listing.pods != unite_pods(pod for pod, _ in map(decode_pod, _pieces(answer)) if pod)[0]:
        raise PromiseError("the quick way leads elsewhere")
    if broken and not listing.malformed:
        raise PromiseError("a broken pod was passed over in silence")
    if is_thorough:
        _show(listing, None)
    return _said(listing.malformed)


def _sorted_out(answer: bytes) -> tuple[set[tuple[str, str]], int]:
    """Return the names of all pods whose own bytes are good, read by protobuf alone, and how many others there are."""
    whole: set[tuple[str, str]] = set()
    broken = 0
    for piece in _pieces(answer):
        try:
            pod = PodResources.FromString(piece)
        except DecodeError:
            broken += 1
            continue
        if pod.namespace and pod.name:
            whole.add((pod.namespace, pod.name))
        else:
            broken += 1
    return whole, broken


def _pieces(answer: bytes) -> Sequence[bytes]:
    return ListFrame.FromString(answer).pod_resources


def _show(listing: Listing, allocatable: Allocatable | None) -> None:
    allocation = Joiner().join(listing, allocatable, TWO_NODES)
    check_everything(Snapshot("n1", allocation))
