"""Pod metadata as it was told once: for commands that look once, and for recordings."""

from collections.abc import Callable, Collection

from podres_exporter.model import Metadata, PodKey


class ToldMetadata:
    """PodMetaSource that always says the same."""

    def __init__(self, metadata: Metadata | None) -> None:
        """Keep it; None where nobody was asked."""
        self._metadata = metadata

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Do nothing: nothing will ever change."""

    def metadata(self) -> Metadata | None:
        """Return what was told."""
        return self._metadata

    def stop(self) -> None:
        """Do nothing."""
