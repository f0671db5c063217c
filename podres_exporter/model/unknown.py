"""Of what it is not known how much is free."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    Of what it is not known how much is held, so that nothing can be said of what is free.

    *everything*: of all. *resources* are extended resources, `cpu` and memory types (`memory`, `hugepages-2Mi`).
    *devices*: of every extended resource, as where a device without the name of its resource is held.
    """

    everything: bool = False
    devices: bool = False
    resources: frozenset[str] = frozenset()

    def covers(self, resource: str) -> bool:
        """Tell whether what is free of the resource is not known."""
        return self.everything or resource in self.resources or (self.devices and "/" in resource)

    def __or__(self, other: "Unknown") -> "Unknown":
        """Return what is not known for either reason."""
        return Unknown(
            self.everything or other.everything, self.devices or other.devices, self.resources | other.resources
        )
