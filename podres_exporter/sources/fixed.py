"""Sources that never change: what a one-shot command has listed, what a recording holds, or nothing at all."""

from collections.abc import Callable, Collection, Mapping

from podres_exporter.model import ClaimKey, Dra, Metadata, PodKey


class FixedMetadata:
    """PodMetaSource that always returns the same; None, as with `--metadata.source=none`, knows nothing of any pod."""

    def __init__(self, metadata: Metadata | None = None) -> None:
        """Keep it."""
        self._metadata = metadata

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Do nothing: nothing will ever change."""

    def metadata(self) -> Metadata | None:
        """Return what was given."""
        return self._metadata

    def stop(self) -> None:
        """Do nothing."""


class FixedDra:
    """DraSource that always returns the same; None where nobody is asked."""

    def __init__(self, dra: Dra | None = None) -> None:
        """Keep it."""
        self._dra = dra

    def start(self, changed: Callable[[], None]) -> None:
        """Do nothing: nothing will ever change."""

    def dra(self) -> Dra | None:
        """Return what was given."""
        return self._dra

    def want(self, users: Mapping[ClaimKey, frozenset[str]]) -> None:
        """Do nothing: what was not read is not known."""

    def stop(self) -> None:
        """Do nothing."""
