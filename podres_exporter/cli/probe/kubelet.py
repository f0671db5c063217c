"""Gather evidence on the kubelet: call each RPC, with retries if rate-limited, and its Pods API."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from podres_exporter.check.evidence import Call, PodsApi
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import KubeletError, PodsApiError, Reason
from podres_exporter.model import Allocatable, Listing, Metadata, PodKey
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.client import PodsApiClient
from podres_exporter.podsapi.once import read_pods
from podres_exporter.service.follower import PollSettings
from podres_exporter.sources.interfaces import ALLOCATABLE, GET, LIST, KubeletCall
from podres_exporter.sources.kubelet import KubeletClient

NAMES_SECONDS = 10.0
"""Timeout of the initial sync; a user is waiting."""


class PodsApiProbe:
    """Opens a stream, and closes it after the initial sync."""

    def __init__(self, config: Config, clock: Clock) -> None:
        """Open nothing yet."""
        self._config, self._clock = config, clock
        self._client = PodsApiClient(config.metadata_podsapi_socket)

    def list(self) -> tuple[PodsApi, Metadata | None]:
        """Return the result and the pods; None if they were not sent."""
        config, began = self._config, self._clock.monotonic_seconds()
        path = str(config.metadata_podsapi_socket)
        try:
            metadata = read_pods(
                self._client,
                PodDecoder(config.pod_labels_allowlist),
                self._clock,
                PollSettings.of(config).site.own,
                seconds=NAMES_SECONDS,
                young=config.snapshot_hold_down_seconds,
            )
        except PodsApiError as error:
            return PodsApi(path, self._clock.monotonic_seconds() - began, error=error), None
        seconds = self._clock.monotonic_seconds() - began
        return PodsApi(path, seconds, len(metadata.pods), is_complete=metadata.synced), metadata

    def close(self) -> None:
        """Close the channel."""
        self._client.close()


MOST_ATTEMPTS = 3
PAUSE_SECONDS = 0.5
"""The time in which the kubelet's limit would allow fifty calls, without other clients."""

MOST_MESSAGE_BYTES = 256 << 20
"""Larger than the limit of `serve`, so that the cause of an oversized answer can be named."""

T = TypeVar("T")


class KubeletProbe:
    """Calls one kubelet, and records the result of each RPC in `calls`."""

    def __init__(self, socket: Path, timeout_seconds: float, clock: Clock) -> None:
        """Connect at the first call."""
        self._last: dict[str, KubeletCall] = {}
        self._client = KubeletClient(socket, timeout_seconds, clock, self._note, MOST_MESSAGE_BYTES)
        self._socket, self._clock = socket, clock
        self.calls: dict[str, Call] = {}

    def list(self) -> Listing | None:
        """Return the pods, None if the kubelet does not answer."""
        return self._ask(LIST, self._client.list)

    def allocatable(self) -> Allocatable | None:
        """Return the allocatable resources, None if the kubelet does not answer."""
        return self._ask(ALLOCATABLE, self._client.allocatable)

    def get(self, key: PodKey) -> None:
        """Read one pod, to find out whether Get is served."""
        self._ask(GET, lambda: self._client.get(*key))

    def get_again(self, key: PodKey) -> Listing | None:
        """Return the current state of one pod, None if it is gone or the kubelet does not answer."""
        try:
            return self._client.get(*key)
        except KubeletError:
            return None

    def list_again(self) -> Listing | None:
        """Return the current pods; the result of the first call is kept."""
        try:
            return self._client.list()
        except KubeletError:
            return None

    def close(self) -> None:
        """Close the channel."""
        self._client.close()

    def _ask(self, rpc: str, call: Callable[[], T]) -> T | None:
        """Return the answer, with a few attempts if calls are rejected."""
        attempts = rejected = 0
        while True:
            attempts += 1
            answer, error = _attempt(call)
            if error is None or error.reason is not Reason.THROTTLED:
                break
            rejected += 1
            if attempts == MOST_ATTEMPTS:
                break
            self._clock.wait(threading.Event(), PAUSE_SECONDS)
        last = self._last[rpc]
        self.calls[rpc] = Call(
            rpc,
            last.seconds,
            None if last.answer is None else len(last.answer),
            error.reason if error else None,
            error.detail.removeprefix(f"{rpc}: ").removesuffix(f" (socket {self._socket})") if error else "",
            attempts,
            rejected,
        )
        return answer

    def _note(self, call: KubeletCall) -> None:
        self._last[call.rpc] = call


def _attempt(call: Callable[[], T]) -> tuple[T | None, KubeletError | None]:
    """Make one attempt; return the answer or the error."""
    try:
        return call(), None
    except KubeletError as error:
        return None, error
