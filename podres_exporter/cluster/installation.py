"""Decide which pods are exporters to believe: those of one installation, owned by its DaemonSet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.cluster.pod_list import ListedPod
from podres_exporter.printable import printable
from podres_exporter.text.words import some

_MOST_NAMED = 5
_FLAG = "--exporter-namespace"


@dataclass(frozen=True, slots=True, order=True)
class DaemonSetKey:
    """A DaemonSet as its pods name it; anyone who may create pods can write this into one."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Installation:
    """
    The pods of one installation of the exporter, and those that wear its labels without belonging to it.

    *others* are never asked: any pod may wear labels, and what it answers could be made up.
    """

    pods: tuple[ListedPod, ...]
    others: tuple[ListedPod, ...]


class AmbiguousError(ValueError):
    """It cannot be told which pods to believe; the text says why, and the remedy."""


def owner_of(pod: ListedPod) -> DaemonSetKey | None:
    """Return the DaemonSet that the pod says controls it, None where there is none."""
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
    Return the namespace of the DaemonSet that was created first; *created* has None for one that does not exist.

    The age of a DaemonSet cannot be made up, and that of the exporters outlives their rollouts, unlike that of pods.
    Raises AmbiguousError where none exists.
    """
    there = [(moment, key.namespace) for key, moment in created.items() if moment is not None]
    if not there:
        raise AmbiguousError(f"none of the DaemonSets that own exporters exists; name their namespace by {_FLAG}")
    return min(there)[1]


def choose_installation(pods: Iterable[ListedPod], namespace: str | None, *, is_given: bool) -> Installation:
    """
    Return the pods of the installation in *namespace*: those that a DaemonSet owns.

    Where the user gave the namespace and no DaemonSet owns any, all of its pods count. Raises AmbiguousError where
    *namespace* is None, for no DaemonSet owns any pod at all.
    """
    listed = list(pods)
    if namespace is None:
        raise AmbiguousError(
            f"{_names(listed)}: wear the exporter's labels, and no DaemonSet owns them, so they could be anyone's; "
            f"if they are exporters of yours, name their namespace by {_FLAG}"
        )
    owned_alone = not is_given or any(owner.namespace == namespace for owner in daemon_sets(listed))
    members: list[ListedPod] = []
    others: list[ListedPod] = []
    for each in listed:
        is_member = each.metadata.namespace == namespace and not (owned_alone and owner_of(each) is None)
        (members if is_member else others).append(each)
    return Installation(tuple(members), tuple(others))


def ambiguous(owners: Iterable[DaemonSetKey], why: str) -> AmbiguousError:
    """Return the error that DaemonSets of several namespaces own exporters, and *why* their ages are not known."""
    names = some([f"{each.namespace}/{each.name}" for each in owners], _MOST_NAMED)
    return AmbiguousError(f"several DaemonSets own exporters: {names}; name the namespace of yours by {_FLAG} ({why})")


def other_lines(installation: Installation) -> list[str]:
    """Return a sentence that names the pods that are not asked, none where there are none."""
    if not installation.others:
        return []
    where = printable(installation.pods[0].metadata.namespace) if installation.pods else "one namespace"
    names = _names(installation.others)
    why = f"they wear the exporter's labels and do not belong to the DaemonSet in {where}"
    return [f"not asked: {names}: {why}; see who made them, or ask their installation by {_FLAG}"]


def _names(pods: Iterable[ListedPod]) -> str:
    placed = ((each, f" on {each.spec.node_name}" if each.spec.node_name else "") for each in pods)
    return some([f"{each.metadata.namespace}/{each.metadata.name}{on}" for each, on in placed], _MOST_NAMED)
