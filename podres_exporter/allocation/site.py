"""Where the exporter runs, and which pods of its node are static."""

from collections.abc import Collection
from dataclasses import dataclass

from podres_exporter.model import Metadata, PodKey


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where the exporter runs: its own pod, None outside a pod, and the node's name, which may be guessed from the host.
    """

    node: str = ""
    own: PodKey | None = None
    node_is_guessed: bool = False

    def is_static(self, key: PodKey, metadata: Metadata | None) -> bool:
        """
        Tell whether the pod is a static one, as far as that can be known.

        Source: a static pod is listed as NAME-NODENAME, and its mirror pod has the annotation config.mirror.
        """
        meta = metadata.pods.get(key) if metadata else None
        return (meta is not None and meta.is_mirror) or bool(self.node and key[1].endswith(f"-{self.node}"))

    def has_others(self, keys: Collection[PodKey], metadata: Metadata | None) -> bool:
        """
        Tell whether a pod that is not static is among those that are listed.

        Where the node's name is only guessed: the names of all static pods of a node end alike, with a dash and its
        name, so pods that do not end alike are not all static.
        """
        has_candidates = any(not self.is_static(key, metadata) for key in keys)
        if not self.node_is_guessed or not has_candidates:
            return has_candidates
        return len({name.rpartition("-")[1:] for _, name in keys}) > 1


def own_pod(namespace: str, name: str, node: str) -> PodKey | None:
    """Return the own pod where it is known and can be a witness, which a static pod is not."""
    return (namespace, name) if namespace and name and not (node and name.endswith(f"-{node}")) else None
