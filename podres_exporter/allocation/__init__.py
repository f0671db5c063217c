"""What is believed of the kubelet's answers, pod by pod, and when it is asked. Pure: no clock, no I/O."""

from podres_exporter.allocation.cache import Cache, Ended, Waits
from podres_exporter.allocation.report import Report
from podres_exporter.allocation.rules import Rule
from podres_exporter.allocation.witness import Site, Witness, own_pod

__all__ = ["Cache", "Ended", "Report", "Rule", "Site", "Waits", "Witness", "own_pod"]
