"""Fetch from many exporters concurrently, with a deadline for all of them."""

import queue
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from podres_exporter.cli.signals import instead_of_interrupt
from podres_exporter.clock import Clock
from podres_exporter.cluster.outcome import INTERRUPTED, Outcome, Target, Trouble, read_reply
from podres_exporter.cluster.refusals import SNAPSHOT_PATH, refused
from podres_exporter.document import prepare
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.printable import printable

AT_ONCE = 16

Ask = Callable[[Target, float], Outcome]
"""Queries one exporter, with a timeout in seconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The timeouts of one node and of all nodes together, in seconds."""

    each_seconds: float = 10.0
    all_seconds: float = 60.0


class Getter(Protocol):
    """The client to use: KubeApi."""

    def get(self, path: str, query: dict[str, str], seconds: float) -> tuple[int, bytes]:
        """Return status and body. Raises ApiServerError."""
        ...


class Progress:
    """A progress line on a terminal; silent elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to *stream*, or standard error."""
        self._stream = stream or sys.stderr
        self._is_shown = self._stream.isatty()

    def show(self, done: int, number: int) -> None:
        """Show how many nodes are done; the line is removed at the end."""
        if self._is_shown:
            text = f"\rquerying exporters: {done} of {number}" if done < number else "\r\x1b[K"
            print(text, end="", file=self._stream, flush=True)

    def clear(self) -> None:
        """Remove the line, however far it is."""
        self.show(0, 0)


def proxy_path(target: Target) -> str:
    """Return the API server's proxy path to the exporter's snapshot, with `https:` before the pod's name if needed."""
    scheme = "https:" if target.is_secure else ""
    pod = f"{scheme}{target.name}:{target.port}"
    return f"/api/v1/namespaces/{target.namespace}/pods/{pod}/proxy{SNAPSHOT_PATH}"


def asking(api: Getter) -> Ask:
    """Return a thread-safe function that queries one exporter through the API server; failures become outcomes."""
    prepare()

    def ask(target: Target, seconds: float) -> Outcome:
        try:
            code, body = api.get(proxy_path(target), {}, seconds)
        except ApiServerError as error:
            return Trouble(target.node, target.pod, error.reason, _unheard(error, seconds))
        return read_reply(target, body) if code == 200 else refused(target, code, body)

    return ask


def _unheard(error: ApiServerError, seconds: float) -> str:
    if error.reason is Reason.TIMEOUT:
        return f"its exporter gave no complete answer within {seconds:g} s (--timeout)"
    return f"the request through the API server failed: {printable(error.detail.removeprefix('get: '))}"


def ask_all(
    targets: Sequence[Target],
    ask: Ask,
    clock: Clock,
    patience: Patience,
    progress: Callable[[int, int], None],
    arrived: Callable[[Target, Outcome], None] = lambda *_: None,
) -> list[Outcome]:
    """
    Return an outcome for each target, in order; targets without an answer at the deadline are failures.

    Ctrl-C ends the wait like the deadline, keeping what has arrived. *arrived* is called with each outcome. The threads
    are daemons: the caller closes the connections and need not wait for them.
    """
    until = clock.monotonic_seconds() + patience.all_seconds
    waiting: queue.SimpleQueue[Target] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Target, Outcome] | None] = queue.SimpleQueue()
    for target in targets:
        waiting.put(target)

    def work() -> None:
        while True:
            try:
                target = waiting.get_nowait()
            except queue.Empty:
                return
            left = until - clock.monotonic_seconds()
            if left <= 0:
                return
            done.put((target, _safely(ask, target, min(patience.each_seconds, left))))

    for number in range(min(AT_ONCE, len(targets))):
        threading.Thread(target=work, name=f"ask-{number}", daemon=True).start()
    found: dict[Target, Outcome] = {}
    late, reason = (
        f"no answer within {patience.all_seconds:g} s, the deadline for all nodes (--deadline)",
        Reason.TIMEOUT,
    )
    progress(0, len(targets))
    # A signal handler may write to the queue while this thread waits for it: it is reentrant.
    with instead_of_interrupt(lambda: done.put(None)):
        while len(found) < len(targets):
            try:
                come = done.get(timeout=max(0.0, until - clock.monotonic_seconds()))
            except queue.Empty:
                break
            if come is None:
                late, reason = INTERRUPTED, Reason.UNAVAILABLE
                break
            found[come[0]] = come[1]
            arrived(*come)
            progress(len(found), len(targets))
    return [found.get(each, Trouble(each.node, each.pod, reason, late)) for each in targets]


def _safely(ask: Ask, target: Target, seconds: float) -> Outcome:
    """Return the outcome, even of a bug: one node's answer must not block the others."""
    try:
        return ask(target, seconds)
    except Exception as error:  # noqa: BLE001 - the loop's guard; the name of the error goes into the report
        return Trouble(target.node, target.pod, Reason.INTERNAL, f"reading its answer failed: {type(error).__name__}")
