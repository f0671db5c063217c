"""Delete the ResourceSlices that DRA drivers leave behind, as the kubelet does."""

import logging
from collections.abc import Collection

from podres_exporter.clock import Clock
from podres_exporter.sim.api import RESOURCE_SLICES, StatusError, Store

log = logging.getLogger(__name__)

WIPE_SECONDS = 30.0
"""How long a driver may be gone: an update of it takes less."""


class SliceWipes:
    """
    Used by one thread. Slices of the scenario stay: their drivers are not played.

    Source: cm/dra/plugin/dra_plugin_manager.go, NewDRAPluginManager and sync; cm/dra/manager.go (30 s).
    """

    def __init__(self, store: Store, node: str, played: Collection[str], clock: Clock) -> None:
        """Know no driver yet; *played* are the names of the scenario's slices."""
        self._store, self._node, self._played, self._clock = store, node, played, clock
        self._gone_since: dict[str, float | None] = {}

    def follow(self, drivers: Collection[str]) -> None:
        """Note which drivers are there now, and delete the slices of those that have been gone for long enough."""
        now = self._clock.monotonic_seconds()
        self._gone_since.update(dict.fromkeys(drivers))
        for driver, since in list(self._gone_since.items()):
            if driver in drivers:
                continue
            if since is None:
                self._gone_since[driver] = now
            elif now - since >= WIPE_SECONDS:
                del self._gone_since[driver]
                self._delete(driver)

    def restarted(self) -> None:
        """Delete the node's slices: a kubelet that starts does not know whether their drivers still run."""
        self._gone_since.clear()
        self._delete("")

    def _delete(self, driver: str) -> None:
        """Delete the slices of this node, of all drivers if none is named."""
        for each in self._store.read(RESOURCE_SLICES)[0]:
            name, spec = each["metadata"]["name"], each.get("spec") or {}
            if spec.get("nodeName") != self._node or name in self._played or driver not in {"", spec.get("driver")}:
                continue
            try:
                self._store.delete(RESOURCE_SLICES, "", name)
            except StatusError:
                log.debug("sim.dra.slice_gone", extra={"slice": name})
        log.info("sim.dra.slices_wiped", extra={"driver": driver or "all"})
