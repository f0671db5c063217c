"""Find the pod and container that a name refers to."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from podres_exporter.errors import NotFoundError
from podres_exporter.model import PodKey, Snapshot
from podres_exporter.printable import printable

_MOST_NAMES = 5


def find_pod(snapshot: Snapshot, namespace: str | None, name: str) -> PodKey:
    """
    Return the pod with this name that the kubelet lists or the API server knows; without *namespace*, in any.

    Raises NotFoundError if there is none (with similar names), or more than one (with all of them).
    """
    known = known_pods(snapshot)
    found = sorted(key for key in known if key[1] == name and namespace in {None, key[0]})
    if len(found) == 1:
        return found[0]
    where = f" in namespace {printable(namespace)}" if namespace else ""
    if found:
        raise NotFoundError(f"pod {printable(name)} is in several namespaces; give one", [_text(key) for key in found])
    near = _near(known, name)
    problem = f"no pod {printable(name)}{where} on {printable(snapshot.node)}"
    if near:
        raise NotFoundError(f"{problem}; near", [_text(key) for key in near])
    raise NotFoundError(f"{problem}; {len(known)} pods are known there")


def known_pods(snapshot: Snapshot) -> frozenset[PodKey]:
    """Return every pod that any source knows."""
    listed = {view.pod.key for view in snapshot.allocation.pods} if snapshot.allocation else set()
    return frozenset(listed | (snapshot.metadata.pods.keys() if snapshot.metadata else set()))


def find_container(names: Collection[str], container: str, key: PodKey) -> None:
    """Raise NotFoundError with the existing containers unless the pod has this one."""
    if container not in names:
        problem = f"pod {_text(key)} has no container {printable(container)}"
        raise NotFoundError(f"{problem}; it has" if names else problem, [printable(name) for name in names])


def _near(known: Iterable[PodKey], name: str) -> list[PodKey]:
    """Return pods with this name in another namespace, or with a similar name, best match first."""
    keys = sorted(known)
    close = get_close_matches(name, sorted({key[1] for key in keys}), _MOST_NAMES)
    close += [other for other in sorted({key[1] for key in keys}) if name in other and other not in close]
    return [key for other in close for key in keys if key[1] == other][:_MOST_NAMES]


def _text(key: PodKey) -> str:
    return printable("/".join(key))
