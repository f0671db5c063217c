"""What is believed of the kubelet's answers, pod by pod, and when it is asked. Pure: no clock, no I/O."""

from podres_exporter.allocation.cache import Cache, Ended, Waits
from podres_exporter.allocation.report import Report
from podres_exporter.allocation.rules import Rule
from podres_exporter.allocation.site import Site, own_pod
from podres_exporter.allocation.unknown import given_up, unknown, unlisted
from podres_exporter.allocation.witness import Witness

__all__ = ["Cache", "Ended", "Report", "Rule", "Site", "Waits", "Witness", "given_up", "own_pod", "unknown", "unlisted"]
