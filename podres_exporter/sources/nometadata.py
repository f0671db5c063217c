"""No pod metadata at all: `--metadata.source=none`, which needs no API server, no token and no right."""

from collections.abc import Callable, Collection

from podres_exporter.model import PodKey


class NoMetadata:
    """PodMetaSource that knows nothing of any pod."""

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Do nothing: nothing will ever change."""

    def metadata(self) -> None:
        """Return None."""

    def stop(self) -> None:
        """Do nothing."""
