"""What two pods hold that only one may have."""

from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.model.metadata import PodKey


class Thing(StrEnum):
    """What kind of thing is held: a device of a device plugin, an exclusive CPU, or a device of a DRA claim."""

    DEVICE = "device"
    CPU = "cpu"
    CLAIM_DEVICE = "claim_device"


class Certainty(StrEnum):
    """CERTAIN: nothing allows it. POSSIBLE: what would allow it, such as admin access of a claim, is not known."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A container that holds the thing; *container* is empty where the pod as a whole does."""

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
    One thing in the hands of at least two pods that are alive.

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
        """The pods that hold it, each once, sorted."""
        return tuple(sorted({holder.pod_key for holder in self.holders}))
