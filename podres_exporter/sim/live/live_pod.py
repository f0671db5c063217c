"""A pod and its lifecycle state in the kubelet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.admission import PodRequest, Rejection
from podres_exporter.model import Claim
from podres_exporter.sim.live.dynamic_resources import ClaimKey
from podres_exporter.sim.live.fitting import Amounts


class Phase(StrEnum):
    """How far a pod has come, as its status spells it. Pending pods are in admission, or have containers that wait."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class LivePod:
    """
    A pod that the kubelet has heard of; *claims* are the objects that its containers refer to, by container.

    *started* are the names of the containers that run or have run, *waiting* why others could not be created. While it
    is not *admitted* nothing but its being Pending is known of it. *claim_keys* are the claims, by container, that
    drivers prepare, *problem* why they could not, *claim_requests* those that containers name themselves.
    *asks* is what it asks for in all.
    """

    request: PodRequest
    claims: Mapping[str, tuple[Claim, ...]]
    phase: Phase = Phase.RUNNING
    rejection: Rejection | None = None
    started: frozenset[str] = frozenset()
    waiting: Mapping[str, str] = field(default_factory=dict)
    admitted: bool = True
    claim_keys: Mapping[str, tuple[ClaimKey, ...]] = field(default_factory=dict)
    claim_requests: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    problem: str = ""
    asks: Amounts = field(default_factory=dict)

    @property
    def must_wait(self) -> bool:
        """Whether it has to be started again."""
        return bool(self.waiting or self.problem)

    @property
    def holds_claims(self) -> bool:
        """Whether its claims are prepared."""
        return self.phase is Phase.RUNNING or (self.phase is Phase.PENDING and self.admitted)
