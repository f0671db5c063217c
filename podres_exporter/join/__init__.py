"""
Join kubelet answers, metadata and topology into an allocation: stock, alignment, requests, DRA, usage. Pure: no I/O.
"""

from podres_exporter.join.allocation import Joiner
from podres_exporter.join.claims import claim_users, claims_to_name, with_told_names
from podres_exporter.join.doubles import SECOND_LOOK_SECONDS, SecondLook, admin_access, double_held, living
from podres_exporter.join.drift import compared, pinned_containers, still_listed
from podres_exporter.join.hardware import hardware_of
from podres_exporter.join.legacy import blank_shared_pool
from podres_exporter.join.stock import pod_memory
from podres_exporter.join.usage import RunningTotals, accrue

__all__ = [
    "SECOND_LOOK_SECONDS",
    "Joiner",
    "RunningTotals",
    "SecondLook",
    "accrue",
    "admin_access",
    "blank_shared_pool",
    "claim_users",
    "claims_to_name",
    "compared",
    "double_held",
    "hardware_of",
    "living",
    "pinned_containers",
    "pod_memory",
    "still_listed",
    "with_told_names",
]
