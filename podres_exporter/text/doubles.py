"""Describe one thing that two pods hold."""

from podres_exporter.model import DoubleHeld, Thing
from podres_exporter.printable import printable
from podres_exporter.text.words import joined


def double_name(double: DoubleHeld) -> str:
    """Return the thing alone: `CPU 5`, or the resource and the device."""
    item = printable(double.item)
    return f"CPU {item}" if double.thing is Thing.CPU else f"{printable(double.resource)} {item}"


def double_text(double: DoubleHeld) -> str:
    """Return the thing and the pods that hold it: `nvidia.com/gpu GPU-0 by ml/a and ml/b`."""
    return f"{double_name(double)} by {joined([printable('/'.join(pod)) for pod in double.pods])}"
