"""Gather evidence on items held by two pods, confirmed by a second observation two seconds later."""

import threading

from podres_exporter.check.evidence import Look
from podres_exporter.cli.probe.kubelet import KubeletProbe
from podres_exporter.clock import Clock
from podres_exporter.errors import Reason
from podres_exporter.join import admin_access, double_held, hardware_of, living
from podres_exporter.model import DoubleHeld, Dra, Listing, Thing
from podres_exporter.sources.interfaces import GET

SECOND_LOOK_SECONDS = 2.0
"""
The kubelet answers while pods come and go; items still held by two pods after two seconds are not a transient state.
"""

_MOST_GETS = 8
"""More pods than this are read with one List: the kubelet's burst of 10 calls is shared by all its clients."""


def find_doubles(
    look: Look, kubelet: KubeletProbe, clock: Clock, dra: Dra | None = None
) -> tuple[DoubleHeld, ...] | None:
    """
    Return what two running pods hold; None if it cannot be known which pods are running.

    The holders are read one by one with Get if it is served, because List writes in the kubelet. `get` must have been
    called before.
    """
    if look.listing is None:
        return None
    first = _judged(look, look.listing, kubelet, dra)
    if not first:
        return first
    clock.wait(threading.Event(), SECOND_LOOK_SECONDS)
    again = _holders_again(first, kubelet)
    second = _judged(look, again, kubelet, dra) if again is not None else None
    return tuple(each for each in first if second is None or each in second)


def _holders_again(doubles: tuple[DoubleHeld, ...], kubelet: KubeletProbe) -> Listing | None:
    """Return the current state of pods that hold something twice; None if the kubelet does not answer."""
    keys = sorted({key for double in doubles for key in double.pods})
    if not _serves_get(kubelet) or len(keys) > _MOST_GETS:
        return kubelet.list_again()
    answers = [kubelet.get_again(key) for key in keys]
    return Listing(tuple(pod for answer in answers if answer is not None for pod in answer.pods))


def _judged(look: Look, listing: Listing, kubelet: KubeletProbe, dra: Dra | None) -> tuple[DoubleHeld, ...] | None:
    """Return what running pods in an answer hold twice; None if it is not known which are running."""
    lists_active, metadata = _serves_get(kubelet), look.metadata
    if metadata is None and not lists_active:
        return None
    metas = metadata.pods if metadata else {}
    alive = living(listing.pods, metas, followed=metadata is not None, lists_active=lists_active)
    found = double_held(alive, admin_access(dra), hardware_of(dra.pools) if dra else None)
    return tuple(each for each in found if each.thing is not Thing.CPU or _tells_exclusive_cpus(kubelet))


def _tells_exclusive_cpus(kubelet: KubeletProbe) -> bool:
    """Return whether listed CPUs are exclusive: kubelets up to 1.22, which have no Get, list the shared pool there."""
    call = kubelet.calls.get(GET)
    return call is not None and call.reason is not Reason.UNIMPLEMENTED


def _serves_get(kubelet: KubeletProbe) -> bool:
    """Return whether Get is served, as by default from 1.34 on: such kubelets list active pods only."""
    call = kubelet.calls.get(GET)
    return call is not None and call.reason in {None, Reason.NOT_FOUND}
