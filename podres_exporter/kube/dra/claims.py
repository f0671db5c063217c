"""
Read each ResourceClaim of the node's pods and cache it: which request has which device.

Once, and once more if a driver may state a network interface for it later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podres_exporter.clock import Clock
from podres_exporter.dra import decode_claim
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.reflector.pacing import pause
from podres_exporter.model import NO_INTERFACE, ClaimFacts, ClaimKey

GET_VERB = "get"
GET_SECONDS = 10.0
SPACING_SECONDS = 0.2
"""At most five requests a second: at start-up, all claims of the node must be read."""

INTERFACE_DRIVERS = frozenset({"dra.net", "sriovnetwork.k8snetworkplumbingwg.io", "cni.dra.networking.x-k8s.io"})
"""
Drivers that state a network interface in `status.devices` when the pod's sandbox is made, after the allocation.

Source: KEP-4817; dranet, dra-driver-sriov and cni-dra-driver.
"""

INTERFACE_SECONDS = 30.0
"""When a claim of such a driver is read again: a sandbox takes seconds, and comes before the pod's images."""

Users = Mapping[ClaimKey, frozenset[str]]
"""The wanted claims, with the UIDs of the pods that use them."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """
    A requested claim: when to read it again (monotonic seconds, None: never), and how often reading it has failed.
    """

    pods: frozenset[str]
    facts: ClaimFacts | None = None
    due_seconds: float | None = 0.0
    failures: int = 0


def is_same_claim(before: frozenset[str] | None, now: frozenset[str] | None, facts: ClaimFacts | None) -> bool:
    """
    Return whether a claim read for some pods is still the same: at least one pod is the same, or its UID is not known.

    A claim in use cannot be deleted; once all its pods are gone, another claim may have its name. If it was read while
    no pod's UID was known, its pods are those that the claim itself named.
    """
    if before is None or now is None:
        return False
    known = before or (facts.reserved_for if facts else frozenset())
    return not known or not now or bool(known & now)


def lacks_interface(facts: ClaimFacts) -> bool:
    """Return whether a device of the claim has no interface although its driver is known to make one."""
    return any(each.driver in INTERFACE_DRIVERS and each.interface == NO_INTERFACE for each in facts.results)


class ClaimCache:
    """
    Caches claims. An allocation does not change while pods use it, so each claim is read only once.

    The exception is a claim whose driver is known to state a network interface and has not yet: it is read once more.

    Once all pods that used a claim are gone, a claim of that name is a different one. Not thread-safe: the caller
    locks.
    """

    def __init__(self, client: KubeClient, group_version: str, clock: Clock) -> None:
        """*group_version* is the API path, such as `/apis/resource.k8s.io/v1`."""
        self._client, self._path, self._clock = client, group_version, clock
        self._entries: dict[ClaimKey, _Entry] = {}
        self._not_before_seconds = 0.0
        self._denials = 0

    def want(self, users: Users) -> None:
        """Drop claims that no pod uses, and add new ones."""
        kept = {}
        for key, pods in users.items():
            entry = self._entries.get(key)
            is_kept = entry is not None and is_same_claim(entry.pods, pods, entry.facts)
            kept[key] = replace(entry, pods=pods) if is_kept and entry is not None else _Entry(pods)
        self._entries = kept

    def facts(self) -> dict[ClaimKey, ClaimFacts]:
        """Return the claims that were read."""
        return {key: entry.facts for key, entry in self._entries.items() if entry.facts is not None}

    def next_due(self) -> tuple[ClaimKey | None, float]:
        """Return which claim to read next, and in how many seconds (infinite: none)."""
        due = [(entry.due_seconds, key) for key, entry in self._entries.items() if entry.due_seconds is not None]
        if not due:
            return None, float("inf")
        seconds, key = min(due)
        return key, max(0.0, max(seconds, self._not_before_seconds) - self._clock.monotonic_seconds())

    def read(self, key: ClaimKey) -> ClaimFacts | None:
        """Read one claim. Raises ApiServerError; None if nothing is allocated to it."""
        path = f"{self._path}/namespaces/{key[0]}/resourceclaims/{key[1]}"
        return decode_claim(self._client.get(path, {}, GET_SECONDS).expect(GET_VERB))

    def took(self, key: ClaimKey, facts: ClaimFacts | None) -> None:
        """Store the result of a request; a claim without an allocation is read again, because the kubelet lists one."""
        now = self._clock.monotonic_seconds()
        self._not_before_seconds, self._denials = now + SPACING_SECONDS, 0
        entry = self._entries.get(key)
        if entry is None:
            return
        if facts is not None:
            is_first = entry.facts is None
            due = now + INTERFACE_SECONDS if is_first and lacks_interface(facts) else None
            self._entries[key] = replace(entry, facts=facts, due_seconds=due, failures=0)
        else:
            self._retry(key, entry, None)

    def failed(self, key: ClaimKey, error: ApiServerError) -> None:
        """Note a failed request; an error that concerns all claims delays all of them."""
        now = self._clock.monotonic_seconds()
        self._not_before_seconds = now + SPACING_SECONDS
        if error.reason is not Reason.NOT_FOUND and error.reason is not Reason.MALFORMED:
            self._denials += 1
            wait = pause(self._denials, error.reason, error.retry_after_seconds)
            self._not_before_seconds = now + wait.least_seconds + wait.spread_seconds
        entry = self._entries.get(key)
        if entry is not None:
            self._retry(key, entry, error)

    def _retry(self, key: ClaimKey, entry: _Entry, error: ApiServerError | None) -> None:
        failures = entry.failures + 1
        wait = pause(failures, error.reason if error else None)
        due = self._clock.monotonic_seconds() + wait.least_seconds + wait.spread_seconds
        self._entries[key] = replace(entry, due_seconds=due, failures=failures)
