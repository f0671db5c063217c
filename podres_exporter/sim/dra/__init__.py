"""DRA drivers on the simulated node: registration, prepare, unprepare and health; allocation of claims from slices."""

from podres_exporter.sim.dra.allocation import CannotAllocate, allocate
from podres_exporter.sim.dra.drivers import DraDrivers, Health, PreparedDevice
from podres_exporter.sim.dra.wipes import WIPE_SECONDS, SliceWipes

__all__ = ["WIPE_SECONDS", "CannotAllocate", "DraDrivers", "Health", "PreparedDevice", "SliceWipes", "allocate"]
