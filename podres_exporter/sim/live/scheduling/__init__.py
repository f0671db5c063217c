"""What a cluster does for the pods of the node: a scheduler, and the claims that it allocates."""

from podres_exporter.sim.live.scheduling.scheduler import Scheduler

__all__ = ["Scheduler"]
