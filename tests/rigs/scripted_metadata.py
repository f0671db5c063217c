"""A source of pod metadata with given content."""

from collections.abc import Callable, Collection

from podres_exporter.model import Metadata, PodKey, PodMeta


def meta(name: str, *, has_started: bool = True, is_terminal: bool = False, is_deleting: bool = False) -> PodMeta:
    """Return a pod of the namespace ml as the API server has it."""
    return PodMeta(
        "ml",
        name,
        f"uid-{name}",
        qos_class="Guaranteed",
        has_started=has_started,
        is_terminal=is_terminal,
        is_deleting=is_deleting,
    )


class Told:
    """PodMetaSource; begins as one that has never heard of the API server."""

    def __init__(self, *metas: PodMeta) -> None:
        """Know these pods at once, if any are given."""
        self._metadata = Metadata()
        self._changed: Callable[[Collection[PodKey]], None] = lambda _: None
        if metas:
            self.tell(*metas)

    def tell(self, *metas: PodMeta) -> None:
        """Know exactly these pods from now on."""
        self._metadata = Metadata({each.key: each for each in metas}, synced=True, is_up=True, last_success_seconds=1.0)

    def lose(self, *, is_away: bool) -> None:
        """Lose touch: the API server cannot be reached, or it refuses us."""
        self._metadata = Metadata(self._metadata.pods, is_away=is_away, last_success_seconds=1.0)

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        self._changed = changed

    def metadata(self) -> Metadata:
        return self._metadata

    def stop(self) -> None:
        pass
