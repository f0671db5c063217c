"""Inject faults into the running API server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from podres_exporter.sim.api.serving.fault_kinds import Fail, RequestFault, StreamFault
from podres_exporter.sim.api.storage.resources import Resource

ANY = "*"
"""The verb that stands for all of them."""


@dataclass(slots=True)
class _Rule:
    """A fault for requests of a verb; *remaining* None: without limit, *subresource* None any, and none at all."""

    verb: str
    resource: Resource | None
    fault: RequestFault
    remaining: int | None
    subresource: str | None = None

    def concerns(self, verb: str, resource: Resource | None, subresource: str) -> bool:
        """Return whether a request is of this verb and, where they are named, of this resource and subresource."""
        if self.subresource not in {None, subresource}:
            return False
        return self.verb in {ANY, verb} and (self.resource is None or self.resource == resource)


class Mailbox:
    """The faults that wait for one open watch."""

    def __init__(self, pending: list[StreamFault]) -> None:
        """Begin with those that were waiting for the next watch."""
        self.pending = pending


class Faults:
    """
    What goes wrong, changeable at any time from any thread; of several faults the one switched on first comes first.

    `oversized_line_bytes` is the length of StreamFault.OVERSIZE's line.
    """

    def __init__(self) -> None:
        """Begin with a healthy server."""
        self.oversized_line_bytes = 4 * 1024 * 1024
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._next_watches: list[tuple[StreamFault, int | None]] = []
        self._mailboxes: list[Mailbox] = []
        self._generation = 0

    def on_requests(
        self,
        verb: str,
        fault: RequestFault,
        *,
        times: int | None = None,
        resource: Resource | None = None,
        subresource: str | None = None,
    ) -> None:
        """
        Let the next *times* requests of *verb* fail, all of them without a number.

        *verb* is RBAC's (`get`, `list`, `watch`, `create`, `delete`) or ANY; without *resource* discovery counts too.
        *subresource* is such as `proxy`; empty is the object itself, None both.
        """
        with self._lock:
            self._rules.append(_Rule(verb, resource, fault, times, subresource))

    def on_open_watches(self, fault: StreamFault) -> None:
        """Let it happen, within a tenth of a second, to every watch that is open now."""
        with self._lock:
            for mailbox in self._mailboxes:
                mailbox.pending.append(fault)

    def on_next_watches(self, fault: StreamFault, *, times: int | None = 1) -> None:
        """Let it happen to the next *times* watches after their first events, to every one where that is None."""
        with self._lock:
            self._next_watches.append((fault, times))

    def clear(self) -> None:
        """Switch everything off; connections that hang or stall are closed."""
        with self._lock:
            self._rules.clear()
            self._next_watches.clear()
            for mailbox in self._mailboxes:
                mailbox.pending.clear()
            self._generation += 1

    @property
    def open_watches(self) -> int:
        """How many watches are open now."""
        with self._lock:
            return len(self._mailboxes)

    @property
    def generation(self) -> int:
        """How often all faults were switched off; hanging requests wait for this to change."""
        with self._lock:
            return self._generation

    def take(self, verb: str, resource: Resource | None, subresource: str = "") -> RequestFault | None:
        """Return the fault of one request, and count it; None lets the request pass."""
        with self._lock:
            for rule in self._rules:
                if rule.concerns(verb, resource, subresource):
                    self._count(rule)
                    return rule.fault
        return None

    def _count(self, rule: _Rule) -> None:
        """Use a rule once, and drop it after its last time; the lock is held."""
        if rule.remaining is not None:
            rule.remaining -= 1
            if not rule.remaining:
                self._rules.remove(rule)

    def forbids(self, verb: str, resource: Resource | None, subresource: str = "") -> bool:
        """Return whether RBAC would refuse such a request now; nothing is counted."""
        with self._lock:
            return any(
                isinstance(rule.fault, Fail) and rule.fault.code == 403 and rule.concerns(verb, resource, subresource)
                for rule in self._rules
            )

    @contextmanager
    def watching(self) -> Iterator[Mailbox]:
        """Yield the mailbox of a watch as long as it is open."""
        with self._lock:
            mailbox = Mailbox([fault for fault, _ in self._next_watches])
            counted = [(fault, None if times is None else times - 1) for fault, times in self._next_watches]
            self._next_watches = [(fault, times) for fault, times in counted if times != 0]
            self._mailboxes.append(mailbox)
        try:
            yield mailbox
        finally:
            with self._lock:
                self._mailboxes.remove(mailbox)

    def collect(self, mailbox: Mailbox) -> StreamFault | None:
        """Return the next fault of an open watch, None where all is well."""
        with self._lock:
            return mailbox.pending.pop(0) if mailbox.pending else None
