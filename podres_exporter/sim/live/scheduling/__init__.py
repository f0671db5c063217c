"""The control plane for the pods of the node: a scheduler, and allocation of claims."""

from podres_exporter.sim.live.scheduling.scheduler import Scheduler

__all__ = ["Scheduler"]
