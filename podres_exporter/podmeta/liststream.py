"""
Decode a list of pods as a stream: each pod is decoded and its bytes dropped as soon as it is complete.

A node may have thousands of dead pods, whose JSON is far larger than what is kept of them. Items are split where one
object ends and the next begins with the same key as the first; a text that only looks like such a boundary does not
leave valid JSON before it, and is then joined with what follows.
"""

import re

from msgspec import Raw, json

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import Malformed
from podres_exporter.podmeta.answers import fault_below
from podres_exporter.podmeta.events import PodList
from podres_exporter.podmeta.faults import UNREADABLE, ForeignPodError, PodError, pod_error
from podres_exporter.podmeta.pod import DecodedPod, PodDecoder
from podres_exporter.podmeta.records import ListFrame, ListMeta

MOST_ITEM_BYTES = 8 << 20
"""A pod has at most 1.5 MB in etcd, and somewhat more as JSON."""

_ITEMS = re.compile(rb'"items"\s*:\s*(?P<open>\[|null)')
_FIRST = re.compile(rb'\s*(?:(?P<end>\])|(?P<key>\{\s*"[A-Za-z]+"))')
_LAST = re.compile(rb"\}\s*\]")
_OVERLAP = 64
"""More bytes than there are between two items, so that a boundary split over two pieces is found."""


class PodListReader:
    """Owned by one thread: call `feed` with every piece in order, then `finish`."""

    def __init__(self, decoder: PodDecoder) -> None:
        """Start before the first byte."""
        self._decoder = decoder
        self._head = b""
        self._buffer = bytearray()
        self._boundary: re.Pattern[bytes] | None = None
        self._searched = 0
        self._is_in_items = False
        self._pods: list[DecodedPod] = []
        self._malformed: list[Malformed] = []
        self._foreign = self._count = 0
        self.size_bytes = 0

    def feed(self, piece: bytes) -> None:
        """
        Add more bytes of the list.

        Raises ApiServerError (too_large) if one pod exceeds the maximum size.
        """
        self.size_bytes += len(piece)
        self._buffer += piece
        if not self._is_in_items and (match := _ITEMS.search(self._buffer)) and match["open"] == b"[":
            self._head, self._is_in_items = bytes(self._buffer[: match.start()]), True
            del self._buffer[: match.end()]
        if self._is_in_items:
            self._take_items()
        if len(self._buffer) > MOST_ITEM_BYTES:
            raise ApiServerError("list", Reason.TOO_LARGE, f"a pod has more than {MOST_ITEM_BYTES} bytes")

    def finish(self) -> PodList:
        """Return the pods. Raises ApiServerError (malformed) if the bytes are not a list."""
        rest = bytes(self._buffer)
        if self._is_in_items:
            rest = self._head + b'"items":null' + self._after_items(rest)
        try:
            frame = json.decode(rest, type=ListFrame)
        except UNREADABLE as error:
            detail = f"{self.size_bytes} bytes are not a list of pods: {pod_error(error)}"
            raise ApiServerError("list", Reason.MALFORMED, detail) from error
        version = (frame.metadata or ListMeta()).resource_version
        return PodList(tuple(self._pods), version, tuple(self._malformed), self._foreign)

    def _take_items(self) -> None:
        """Decode every item that is followed by another one."""
        if self._boundary is None:
            match = _FIRST.match(self._buffer)
            if match is None or match["key"] is None:
                return
            key = re.escape(bytes(match["key"])[1:].strip())
            self._boundary = re.compile(rb"\}(?P<between>\s*,\s*)\{\s*" + key)
        while match := self._boundary.search(self._buffer, self._searched):
            item = bytes(self._buffer[: match.start() + 1])
            if _is_json(item):
                self._take(item)
                del self._buffer[: match.end("between")]
                self._searched = 0
            else:
                self._searched = match.start() + 1
        self._searched = max(self._searched, len(self._buffer) - _OVERLAP, 0)

    def _after_items(self, rest: bytes) -> bytes:
        """Decode the last item, and return what follows the list of items."""
        first = _FIRST.match(rest)
        if first is not None and first["end"]:
            return rest[first.end() :]
        for match in _LAST.finditer(rest):
            item = rest[: match.start() + 1]
            if _is_json(item):
                self._take(item)
                return rest[match.end() :]
        return b"cut short"

    def _take(self, item: bytes) -> None:
        index, self._count = self._count, self._count + 1
        try:
            self._pods.append(self._decoder.decode(item))
        except ForeignPodError:
            self._foreign += 1
        except PodError as error:
            self._malformed.append(fault_below(f"items[{index}]", Raw(item), error))


def _is_json(text: bytes) -> bool:
    """Return whether the bytes are one whole JSON value."""
    try:
        json.decode(text, type=Raw)
    except UNREADABLE:
        return False
    return True
