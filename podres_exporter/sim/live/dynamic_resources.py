"""The kubelet's DRA manager: drivers prepare claims before a pod starts and unprepare them after it ended."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podres_exporter.model import Claim, ClaimDevice
from podres_exporter.sim.checkpoints import ClaimEntry
from podres_exporter.sim.devices import PluginError
from podres_exporter.sim.dra import DraDrivers, PreparedDevice
from podres_exporter.sim.lifecycle import WorkerThreads

log = logging.getLogger(__name__)

_JOIN_SECONDS = 5.0

ClaimKey = tuple[str, str]
"""Namespace and name."""
Lookup = Callable[[str, str], Mapping[str, Any] | None]
"""The ResourceClaim of a namespace and name, None where there is none."""


@dataclass(slots=True)
class _Prepared:
    """A claim that is in use; *devices* by driver, of which all of *drivers* have been asked once it is *ready*."""

    uid: str
    drivers: frozenset[str]
    pods: set[str] = field(default_factory=set)
    devices: dict[str, tuple[PreparedDevice, ...]] = field(default_factory=dict)
    ready: bool = False


class DynamicResources:
    """
    Knows which pod uses which claim; every method may be called from any thread.

    Source: cm/dra/manager.go PrepareResources, UnprepareResources, UpdateAllocatedResourcesStatus.
    """

    def __init__(self, drivers: DraDrivers, lookup: Lookup) -> None:
        """Ask *drivers* about claims that *lookup* finds."""
        self._drivers, self._lookup = drivers, lookup
        self._lock = threading.RLock()
        self._claims: dict[ClaimKey, _Prepared] = {}
        self._threads = WorkerThreads("sim-unprepare")

    def prepare(self, pod_uid: str, keys: Iterable[ClaimKey]) -> Mapping[ClaimKey, Claim]:
        """Return the claims with their devices, prepared. Raises PluginError in the kubelet's words."""
        found = {}
        for key in dict.fromkeys(keys):
            prepared = self._entry(pod_uid, key)
            for driver in sorted(prepared.drivers - prepared.devices.keys()):
                try:
                    answer = self._drivers.prepare(driver, [(*key, prepared.uid)])
                except PluginError as error:
                    raise PluginError(f"prepare dynamic resources: {error}") from error
                with self._lock:
                    prepared.devices[driver] = answer[prepared.uid]
            prepared.ready = True
            found[key] = _claim(key, prepared)
        return found

    def release(self, pod_uid: str) -> None:
        """Record that a pod has ended; claims without another user are unprepared in a thread."""
        unused = []
        with self._lock:
            for key, prepared in list(self._claims.items()):
                if pod_uid in prepared.pods:
                    prepared.pods.discard(pod_uid)
                    if not prepared.pods:
                        del self._claims[key]
                        unused.append((key, prepared))
        if unused:
            self._threads.start(pod_uid, lambda: self._unprepare(unused))

    def health(self, key: ClaimKey, request: str) -> list[dict[str, str]]:
        """Return the rows of pod status for the devices of a claim, or of one *request* of it."""
        with self._lock:
            prepared = self._claims.get(key)
            devices = [(name, each) for name, found in prepared.devices.items() for each in found] if prepared else []
        rows: dict[str, dict[str, str]] = {}
        for driver, device in devices:
            if (
                request
                and device.requests
                and request.partition("/")[0] not in {r.partition("/")[0] for r in device.requests}
            ):
                continue
            state, message = self._drivers.health(driver, device.pool, device.device)
            name = device.cdi_ids[0] if device.cdi_ids else f"{driver}/{device.pool}/{device.device}"
            rows.setdefault(name, {"resourceID": name, "health": state} | ({"message": message} if message else {}))
        return list(rows.values())

    def checkpoint(self) -> tuple[ClaimEntry, ...]:
        """Return the claims that are in use, as the kubelet notes them."""
        with self._lock:
            return tuple(
                ClaimEntry(
                    prepared.uid,
                    *key,
                    tuple(prepared.pods),
                    {
                        driver: [_noted(each) for each in prepared.devices.get(driver, ())]
                        for driver in prepared.drivers
                    },
                )
                for key, prepared in self._claims.items()
            )

    def stop(self) -> None:
        """End all threads; drivers must have been let go."""
        self._threads.join(_JOIN_SECONDS)

    def _entry(self, pod_uid: str, key: ClaimKey) -> _Prepared:
        """Return the claim's entry with the pod in it. Raises PluginError."""
        claim = self._lookup(*key)
        if claim is None:
            text = f'resourceclaims.resource.k8s.io "{key[1]}" not found'
            raise PluginError(f"prepare dynamic resources: fetch ResourceClaim {key[1]}: {text}")
        uid = str(claim["metadata"]["uid"])
        allocation = (claim.get("status") or {}).get("allocation")
        if not allocation:
            raise PluginError(f"prepare dynamic resources: ResourceClaim {key[1]}: claim not allocated")
        drivers = frozenset(each["driver"] for each in allocation.get("devices", {}).get("results") or ())
        missing = sorted(drivers - self._drivers.names())
        if missing:
            raise PluginError(f"prepare dynamic resources: DRA driver {missing[0]} is not registered")
        with self._lock:
            prepared = self._claims.setdefault(key, _Prepared(uid, drivers))
            if prepared.uid != uid:
                text = f"old ResourceClaim with same name {key[1]} and different UID {prepared.uid} still exists"
                raise PluginError(f"prepare dynamic resources: {text} (previous pod force-deleted?!)")
            prepared.pods.add(pod_uid)
            return prepared

    def _unprepare(self, claims: Iterable[tuple[ClaimKey, _Prepared]]) -> None:
        for key, prepared in claims:
            for driver in sorted(prepared.drivers):
                try:
                    self._drivers.unprepare(driver, [(*key, prepared.uid)])
                except PluginError as error:
                    log.warning("sim.dra.not_unprepared", extra={"claim": key[1], "error": str(error)})


def _claim(key: ClaimKey, prepared: _Prepared) -> Claim:
    devices = tuple(
        ClaimDevice(driver, each.pool, each.device, each.share_id, each.cdi_ids)
        for driver, found in sorted(prepared.devices.items())
        for each in found
    )
    return Claim(*key, devices)


def _noted(device: PreparedDevice) -> Mapping[str, Any]:
    """Return a device as in the kubelet's checkpoint."""
    return {
        "PoolName": device.pool,
        "DeviceName": device.device,
        "ShareID": device.share_id or None,
        "RequestNames": list(device.requests) or None,
        "CDIDeviceIDs": list(device.cdi_ids) or None,
    }
