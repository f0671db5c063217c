"""The pods of a node as of the last list and the events since. Pure: every change gives a new mapping."""

from collections.abc import Iterable, Mapping

from podres_exporter.model import PodKey, PodMeta

Pods = Mapping[PodKey, PodMeta]


def replaced(pods: Pods, listed: Iterable[PodMeta]) -> tuple[Pods, tuple[PodKey, ...]]:
    """
    Return the pods of a list, all at once, and the keys of those that are gone, other or new, in this order.

    Who follows them one by one learns first of devices that were given back, and then who has them now.
    """
    new = {meta.key: meta for meta in listed}
    gone = sorted(pods.keys() - new.keys())
    other = sorted(key for key in pods.keys() & new.keys() if pods[key] != new[key])
    return new, (*gone, *other, *sorted(new.keys() - pods.keys()))


def added(pods: Pods, meta: PodMeta) -> Pods:
    """Return the pods with this one, the same mapping where it is known so: most events change nothing of ours."""
    return pods if pods.get(meta.key) == meta else {**pods, meta.key: meta}


def removed(pods: Pods, key: PodKey, uid: str) -> Pods:
    """
    Return the pods without this one, the same mapping where there is none of that uid.

    A pod of a StatefulSet is made anew under its old name, and the end of the old one may be told later.
    """
    known = pods.get(key)
    if known is None or uid not in {"", known.uid}:
        return pods
    return {each: meta for each, meta in pods.items() if each != key}
