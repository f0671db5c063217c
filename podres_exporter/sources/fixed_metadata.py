"""Pod metadata that never changes: listed once by a one-shot command, read from a recording, or none at all."""

from collections.abc import Callable, Collection

from podres_exporter.model import Metadata, PodKey


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
