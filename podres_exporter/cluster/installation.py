"""Decide which pods are trusted as exporters: those of one installation, owned by its DaemonSet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.cluster.pod_list import ListedPod
from podres_exporter.printable import printable
from podres_exporter.text.words import some

_MOST_NAMED = 5
_FLAG = "--exporter-namespace"


@dataclass(frozen=True, slots=True, order=True)
class DaemonSetKey:
    """A DaemonSet as named by its pods; anyone who may create pods can claim any owner."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Installation:
    """
    The pods of one installation of the exporter, and those that only have its labels.

    *others* are never queried: any pod can have these labels, and its answers could be forged.
    """

    pods: tuple[ListedPod, ...]
    others: tuple[ListedPod, ...]


class AmbiguousError(ValueError):
    """It is undecidable which pods to trust; the text says why, with the remedy."""


def owner_of(pod: ListedPod) -> DaemonSetKey | None:
    """Return the DaemonSet that the pod names as its controller, None if there is none."""
    for each in pod.metadata.owner_references or ():
        if each.controller and (each.kind, each.api_version.partition("/")[0]) == ("DaemonSet", "apps"):
            return DaemonSetKey(pod.metadata.namespace, each.name, each.uid)
    return None


def daemon_sets(pods: Iterable[ListedPod]) -> list[DaemonSetKey]:
    """Return the DaemonSets that own any of the pods."""
    return sorted({owner for pod in pods if (owner := owner_of(pod))})


def namespaces_of(owners: Iterable[DaemonSetKey]) -> list[str]:
    """Return the namespaces of DaemonSets."""
    return sorted({each.namespace for each in owners})


def oldest_namespace(created: Mapping[DaemonSetKey, str | None]) -> str:
    """
    Return the namespace of the oldest DaemonSet; *created* has None for one that does not exist.

    Unlike a pod's, the age of a DaemonSet cannot be forged and survives rollouts. Raises AmbiguousError if none exists.
    """
    there = [(moment, key.namespace) for key, moment in created.items() if moment is not None]
    if not there:
        raise AmbiguousError(f"none of the DaemonSets that own exporters exists; give their namespace with {_FLAG}")
    return min(there)[1]


def choose_installation(pods: Iterable[ListedPod], namespace: str | None, *, is_given: bool) -> Installation:
    """
    Return the pods of the installation in *namespace*: those that a DaemonSet owns.

    If the user gave the namespace and no DaemonSet owns any pod there, all of its pods count. Raises AmbiguousError if
    *namespace* is None because no DaemonSet owns any pod.
    """
    listed = list(pods)
    if namespace is None:
        raise AmbiguousError(
            f"{_names(listed)}: have the exporter's labels but are owned by no DaemonSet, so anyone could have "
            f"created them; if they are your exporters, give their namespace with {_FLAG}"
        )
    owned_alone = not is_given or any(owner.namespace == namespace for owner in daemon_sets(listed))
    members: list[ListedPod] = []
    others: list[ListedPod] = []
    for each in listed:
        is_member = each.metadata.namespace == namespace and not (owned_alone and owner_of(each) is None)
        (members if is_member else others).append(each)
    return Installation(tuple(members), tuple(others))


def ambiguous(owners: Iterable[DaemonSetKey], why: str) -> AmbiguousError:
    """Return the error that DaemonSets of several namespaces own exporters, and *why* their ages are unknown."""
    names = some([f"{each.namespace}/{each.name}" for each in owners], _MOST_NAMED)
    return AmbiguousError(
        f"several DaemonSets own exporters: {names}; give the namespace of yours with {_FLAG} ({why})"
    )


def other_lines(installation: Installation) -> list[str]:
    """Return a sentence that names the pods that are not queried, none if there are none."""
    if not installation.others:
        return []
    where = printable(installation.pods[0].metadata.namespace) if installation.pods else "one namespace"
    names = _names(installation.others)
    why = f"they have the exporter's labels but do not belong to the DaemonSet in {where}"
    return [f"not queried: {names}: {why}; find out who created them, or query their installation with {_FLAG}"]


def _names(pods: Iterable[ListedPod]) -> str:
    placed = ((each, f" on {each.spec.node_name}" if each.spec.node_name else "") for each in pods)
    return some([f"{each.metadata.namespace}/{each.metadata.name}{on}" for each, on in placed], _MOST_NAMED)
