"""Read the cpusets of containers at each poll, and add to the allocation how they differ from it."""

from dataclasses import replace

from podres_exporter.join import compared, pinned_containers, still_listed
from podres_exporter.model import Allocation, Drift, Metadata
from podres_exporter.sources.interfaces import CpusetSource


class DriftCheck:
    """Used by the poll loop only. Without a source, allocations stay as they are."""

    def __init__(self, source: CpusetSource | None) -> None:
        """Read nothing yet."""
        self._source = source
        self._drift = Drift()
        self._last: tuple[Allocation, Allocation] | None = None

    def read(self, allocation: Allocation, metadata: Metadata | None) -> None:
        """Read the cpusets of the containers with exclusive CPUs, and compare them."""
        if self._source is None:
            return
        pinned = pinned_containers(allocation, metadata)
        self._drift = compared(pinned, self._source.read({each.container_id for each in pinned[0]}))

    def added_to(self, allocation: Allocation) -> Allocation:
        """Return the allocation with its drift; the same object as before while both are unchanged."""
        if self._source is None:
            return allocation
        drift = still_listed(self._drift, allocation)
        if self._last is None or self._last[0] is not allocation or self._last[1].drift != drift:
            self._last = (allocation, replace(allocation, drift=drift))
        return self._last[1]
