"""
A list of pods read piece by piece: each pod is decoded and dropped as soon as it is complete.

A node may have thousands of dead pods, and their JSON far more bytes than what is kept of them. Items are split where
one object ends and the next begins with the same key as the first; a piece of text that only looks so is no JSON of its
own, and is then taken together with what follows.
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
"""One pod has at most 1.5 MB (etcd's limit), and some more in JSON."""

_ITEMS = re.compile(rb'"items"\s*:\s*(?P<open>\[|null)')
_FIRST = re.compile(rb'\s*(?:(?P<end>\])|(?P<key>\{\s*"[A-Za-z]+"))')
_LAST = re.compile(rb"\}\s*\]")
_OVERLAP = 64
"""More bytes than lie between two items, so that a boundary that is cut in two is found in the next piece."""


class PodListReader:
    """Owned by one thread: `feed` every piece in order, then `finish`."""

    def __init__(self, decoder: PodDecoder) -> None:
        """Begin before the first byte."""
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
        Take more bytes of the list.

        Raises ApiServerError (too_large) where one pod is larger than any can be.
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
        """Return the pods. Raises ApiServerError (malformed) where the bytes were no list."""
        rest = bytes(self._buffer)
        if self._is_in_items:
            rest = self._head + b'"items":null' + self._after_items(rest)
        try:
            frame = json.decode(rest, type=ListFrame)
        except UNREADABLE as error:
            detail = f"{self.size_bytes} bytes are no list of pods: {pod_error(error)}"
            raise ApiServerError("list", Reason.MALFORMED, detail) from error
        version = (frame.metadata or ListMeta()).resource_version
        return PodList(tuple(self._pods), version, tuple(self._malformed), self._foreign)

    def _take_items(self) -> None:
        """Take every item behind which another one begins."""
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
        """Take the last item, and return what follows the list of them."""
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
