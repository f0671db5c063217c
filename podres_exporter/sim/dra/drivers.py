"""The kubelet's client of DRA drivers: registration, prepare and unprepare of claims, device health."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from podres_exporter._proto import dra_v1_pb2 as pb
from podres_exporter._proto import drahealth_v1alpha1_pb2 as health_pb
from podres_exporter.clock import Clock
from podres_exporter.sim.devices.records import PluginError
from podres_exporter.sim.lifecycle import WorkerThreads
from podres_exporter.sim.rpc.connection import Connection, M, WireError
from podres_exporter.sim.rpc.go_texts import quoted_slice

log = logging.getLogger(__name__)

SERVICES = ("v1.DRAPlugin", "v1beta1.DRAPlugin")
"""What the kubelet supports; a driver's first of them is called."""

_PACKAGE = "k8s.io.kubelet.pkg.apis.dra"
_WATCH = "/v1alpha1.DRAResourceHealth/NodeWatchResources"
_CALL_SECONDS = 45.0
_RETRY_SECONDS = 5.0
_STALE_SECONDS = 30.0
_JOIN_SECONDS = 5.0
_HEALTH = {health_pb.HEALTHY: "Healthy", health_pb.UNHEALTHY: "Unhealthy"}

ClaimId = tuple[str, str, str]
"""Namespace, name and UID of a ResourceClaim."""


@dataclass(frozen=True, slots=True)
class PreparedDevice:
    """A device that a driver has got ready."""

    pool: str
    device: str
    share_id: str
    cdi_ids: tuple[str, ...]
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """What a driver said of a device, and until when that counts, on the monotonic clock."""

    state: str
    message: str
    until_seconds: float


@dataclass(frozen=True, slots=True)
class _Driver:
    """One instance of a driver."""

    name: str
    endpoint: Path
    service: str
    connection: Connection
    over: threading.Event


class DraDrivers:
    """
    Handles the plugin watcher's DRA plugins; every method may be called from any thread.

    Source: cm/dra/plugin/dra_plugin_manager.go, dra_plugin.go; cm/dra/manager.go; healthinfo.go.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without drivers."""
        self._clock = clock
        self._lock = threading.Lock()
        self._drivers: dict[str, list[_Driver]] = {}
        self._health: dict[tuple[str, str, str], Health] = {}
        self._threads = WorkerThreads("sim-dra")

    def validate(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Raise PluginError unless a driver with these services may register."""
        if any(each in SERVICES for each in versions):
            return
        reason = "empty list of supported gRPC services (aka supported versions)"
        if versions:
            reason = (
                f"none of services supported by the plugin ({quoted_slice(versions)}) "
                f"are supported by the kubelet ({quoted_slice(SERVICES)})"
            )
        raise PluginError(
            f"invalid supported gRPC versions of DRA driver plugin {name} at endpoint {endpoint}: {reason}"
        )

    def adopt(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Take a driver, a newer instance beside an older one too. Raises PluginError where the socket is taken."""
        service = next(each for each in versions if each in SERVICES)
        driver = _Driver(name, endpoint, service, Connection(endpoint), threading.Event())
        with self._lock:
            if any(each.endpoint == endpoint for each in self._drivers.get(name, ())):
                driver.connection.close()
                raise PluginError(f"endpoint {endpoint} already registered for DRA driver plugin {name}")
            self._drivers.setdefault(name, []).append(driver)
        log.info("sim.dra.registered", extra={"driver": name, "service": service})
        self._threads.start(name, lambda: self._watch_health(driver))

    def drop(self, name: str, endpoint: Path) -> None:
        """Remove an instance whose socket was removed."""
        with self._lock:
            found = self._drivers.get(name, [])
            gone = [each for each in found if each.endpoint == endpoint]
            self._drivers[name] = [each for each in found if each.endpoint != endpoint]
        self._close(gone)

    def forget(self) -> None:
        """Let every driver go, as a kubelet that ends; those that are there register again."""
        with self._lock:
            gone = [each for found in self._drivers.values() for each in found]
            self._drivers.clear()
        self._close(gone)

    def stop(self) -> None:
        """End everything."""
        self.forget()
        self._threads.join(_JOIN_SECONDS)

    def names(self) -> frozenset[str]:
        """Return the drivers that have registered."""
        with self._lock:
            return frozenset(name for name, found in self._drivers.items() if found)

    def present(self) -> frozenset[str]:
        """Return the drivers that are connected: one that was killed has left its socket, and stays registered."""
        with self._lock:
            found = {name: tuple(each.connection for each in drivers) for name, drivers in self._drivers.items()}
        return frozenset(name for name, connections in found.items() if any(map(_is_connected, connections)))

    def prepare(self, name: str, claims: Sequence[ClaimId]) -> Mapping[str, tuple[PreparedDevice, ...]]:
        """Return what the driver has got ready, by the UID of the claim. Raises PluginError in the kubelet's words."""
        answer = self._call(name, "NodePrepareResources", _claims(claims), pb.NodePrepareResourcesResponse)
        _check(claims, "NodePrepareResources", {uid: each.error for uid, each in answer.claims.items()})
        return {uid: tuple(map(_prepared, each.devices)) for uid, each in answer.claims.items()}

    def unprepare(self, name: str, claims: Sequence[ClaimId]) -> None:
        """Have a driver undo it. Raises PluginError."""
        request = pb.NodeUnprepareResourcesRequest(claims=_claims(claims).claims)
        answer = self._call(name, "NodeUnprepareResources", request, pb.NodeUnprepareResourcesResponse)
        _check(claims, "NodeUnprepareResources", {uid: each.error for uid, each in answer.claims.items()})

    def health(self, driver: str, pool: str, device: str) -> tuple[str, str]:
        """Return the health of a device and the driver's message; Unknown where nothing has been said for too long."""
        with self._lock:
            found = self._health.get((driver, pool, device))
        if found is None or found.until_seconds < self._clock.monotonic_seconds():
            return "Unknown", ""
        return found.state, found.message

    def _call(self, name: str, method: str, request: Message, answer: type[M]) -> M:
        with self._lock:
            found = self._drivers.get(name)
            driver = found[-1] if found else None
        if driver is None:
            raise PluginError(f"DRA driver {name} is not registered")
        version = driver.service.partition(".")[0]
        try:
            return driver.connection.call(f"/{_PACKAGE}.{version}.DRAPlugin/{method}", request, answer, _CALL_SECONDS)
        except WireError as error:
            raise PluginError(f"{method}: {error}") from error

    def _watch_health(self, driver: _Driver) -> None:
        """Follow the health stream, and begin again where it ends; a driver may not have any."""
        while not driver.over.is_set():
            try:
                request = health_pb.NodeWatchResourcesRequest()
                for answer in driver.connection.stream(_WATCH, request, health_pb.NodeWatchResourcesResponse):
                    self._note_health(driver.name, answer)
            except WireError as error:
                log.debug("sim.dra.no_health", extra={"driver": driver.name, "error": str(error)})
            if self._clock.wait(driver.over, _RETRY_SECONDS):
                return

    def _note_health(self, name: str, answer: health_pb.NodeWatchResourcesResponse) -> None:
        now = self._clock.monotonic_seconds()
        with self._lock:
            for each in answer.devices:
                until = now + (
                    each.health_check_timeout_seconds if each.health_check_timeout_seconds > 0 else _STALE_SECONDS
                )
                key = name, each.device.pool_name, each.device.device_name
                self._health[key] = Health(_HEALTH.get(each.health, "Unknown"), each.message, until)

    def _close(self, gone: Sequence[_Driver]) -> None:
        for each in gone:
            each.over.set()
            each.connection.close()


def _is_connected(connection: Connection) -> bool:
    try:
        return connection.is_connected()
    except WireError:  # it was closed a moment ago
        return False


def _claims(claims: Sequence[ClaimId]) -> pb.NodePrepareResourcesRequest:
    found = [pb.Claim(namespace=namespace, name=name, uid=uid) for namespace, name, uid in claims]
    return pb.NodePrepareResourcesRequest(claims=found)


def _prepared(device: pb.Device) -> PreparedDevice:
    cdi, requests = tuple(device.cdi_device_ids), tuple(device.request_names)
    return PreparedDevice(device.pool_name, device.device_name, device.share_id, cdi, requests)


def _check(claims: Sequence[ClaimId], method: str, errors: Mapping[str, str]) -> None:
    """Raise PluginError unless each claim was answered, and well."""
    names = {uid: name for _, name, uid in claims}
    for uid, error in errors.items():
        if uid not in names:
            raise PluginError(f"{method} returned result for unknown claim UID {uid}")
        if error:
            raise PluginError(f"{method} failed for ResourceClaim {names[uid]}: {error}")
    if len(errors) < len(claims):
        raise PluginError(f"{method} skipped {len(claims) - len(errors)} ResourceClaims")
