"""Devices and CPUs that two pods hold, in the document."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from podres_exporter.document.faults import distinct, shown
from podres_exporter.document.values import Record, doc
from podres_exporter.errors import DocumentError
from podres_exporter.model import Certainty, DoubleHeld, Holder, Thing

_THINGS: dict[Literal["device", "cpu", "claimDevice"], Thing] = {
    "device": Thing.DEVICE,
    "cpu": Thing.CPU,
    "claimDevice": Thing.CLAIM_DEVICE,
}
_NAMES = {thing: name for name, thing in _THINGS.items()}
_CERTAINTIES: dict[Certainty, Literal["certain", "possible"]] = {
    Certainty.CERTAIN: "certain",
    Certainty.POSSIBLE: "possible",
}


class HolderRecord(Record, kw_only=True):
    """A container that holds the item."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    pod: Annotated[str, doc("The pod's name.")]
    container: Annotated[str, doc("The container's name. Absent if the pod as a whole holds it.")] = ""


class DoubleHeldRecord(Record, kw_only=True):
    """An item held by two running pods, though only one may."""

    thing: Annotated[Literal["device", "cpu", "claimDevice"], doc("What kind of item it is.")]
    resource: Annotated[str, doc("The extended resource, cpu, or the DRA driver.")]
    item: Annotated[str, doc("The device's id, the CPU's number, or pool/device.")]
    certainty: Annotated[
        Literal["certain", "possible"],
        doc("possible where it is not known whether a claim has the device for admin access, which would allow it."),
    ]
    holders: Annotated[list[HolderRecord], doc("Who holds it, sorted.")]

    key: ClassVar[tuple[str, ...]] = ("thing", "resource", "item")


def write_doubles(doubles: Iterable[DoubleHeld]) -> list[DoubleHeldRecord]:
    """Return the records of doubly held items."""
    return [
        DoubleHeldRecord(
            thing=_NAMES[each.thing],
            resource=each.resource,
            item=each.item,
            certainty=_CERTAINTIES[each.certainty],
            holders=[HolderRecord(namespace=h.namespace, pod=h.pod, container=h.container) for h in each.holders],
        )
        for each in doubles
    ]


def read_doubles(records: list[DoubleHeldRecord]) -> tuple[DoubleHeld, ...]:
    """Return the doubly held items. Raises ValueError if one is listed twice."""
    return tuple(
        DoubleHeld(
            _THINGS[each.thing],
            each.resource,
            _item(each),
            tuple(Holder(holder.namespace, holder.pod, holder.container) for holder in each.holders),
            Certainty(each.certainty),
        )
        for each in distinct(records)
    )


def _item(record: DoubleHeldRecord) -> str:
    """Return the item. Raises DocumentError if a CPU is not a number, because it becomes one in the metrics."""
    if _THINGS[record.thing] is Thing.CPU and not (record.item.isascii() and record.item.isdecimal()):
        raise DocumentError("heldTwice", f"has a CPU {shown(record.item)}; it must be the number of a CPU")
    return record.item
