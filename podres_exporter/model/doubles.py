"""Devices and CPUs that two pods hold at the same time although only one may."""

from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.model.metadata import PodKey


class Thing(StrEnum):
    """The kind of item: a device of a device plugin, an exclusive CPU, or a device of a DRA claim."""

    DEVICE = "device"
    CPU = "cpu"
    CLAIM_DEVICE = "claim_device"


class Certainty(StrEnum):
    """
    CERTAIN: nothing permits it. POSSIBLE: it may be permitted, for example by a claim's admin access, which is not
    known.
    """

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A container that holds the item; *container* is empty if the pod as a whole holds it."""

    namespace: str
    pod: str
    container: str

    @property
    def pod_key(self) -> PodKey:
        """(namespace, name) of its pod."""
        return (self.namespace, self.pod)


@dataclass(frozen=True, slots=True, order=True)
class DoubleHeld:
    """
    One item held by at least two running pods.

    *resource* is the extended resource, `cpu`, or the DRA driver; *item* is the device id, the number of the CPU, or
    `pool/device`. *holders* are sorted.
    """

    thing: Thing
    resource: str
    item: str
    holders: tuple[Holder, ...]
    certainty: Certainty = Certainty.CERTAIN

    @property
    def pods(self) -> tuple[PodKey, ...]:
        """The pods that hold it, sorted and without duplicates."""
        return tuple(sorted({holder.pod_key for holder in self.holders}))
