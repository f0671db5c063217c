"""Constant sources: metadata and DRA facts read once by a one-shot command, taken from a recording, or none."""

from collections.abc import Callable, Collection, Mapping

from podres_exporter.model import ClaimKey, Dra, Metadata, PodKey


class FixedMetadata:
    """A PodMetaSource that always returns the same metadata; None for `--metadata.source=none`."""

    def __init__(self, metadata: Metadata | None = None) -> None:
        """Keep the metadata."""
        self._metadata = metadata

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Do nothing: the metadata never changes."""

    def metadata(self) -> Metadata | None:
        """Return the given metadata."""
        return self._metadata

    def stop(self) -> None:
        """Do nothing."""


class FixedDra:
    """A DraSource that always returns the same facts; None if DRA is not read."""

    def __init__(self, dra: Dra | None = None) -> None:
        """Keep the facts."""
        self._dra = dra

    def start(self, changed: Callable[[], None]) -> None:
        """Do nothing: the facts never change."""

    def dra(self) -> Dra | None:
        """Return the given facts."""
        return self._dra

    def want(self, users: Mapping[ClaimKey, frozenset[str]]) -> None:
        """Do nothing: no further claims are read."""

    def stop(self) -> None:
        """Do nothing."""
