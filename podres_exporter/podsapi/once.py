"""Read the pods of one initial sync, for one-shot commands."""

from podres_exporter.clock import Clock
from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.model import Metadata, MetadataOrigin, PodKey
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.alarm import Alarm
from podres_exporter.podsapi.client import PodsApiClient, PodStream
from podres_exporter.podsapi.events import Ended, Reported, Synced, Unusable, decode_event
from podres_exporter.podsapi.roster import Roster


def read_pods(
    client: PodsApiClient, decoder: PodDecoder, clock: Clock, own: PodKey | None, *, seconds: float, young: float
) -> Metadata:
    """
    Return the pods that the kubelet sends within this many seconds; a kubelet younger than *young* may not have all.

    Raises PodsApiError if it does not send them in time.
    """
    identity = client.identity()
    is_young = identity is None or clock.wall_seconds() - identity.created_seconds < young
    roster = Roster(own, 0.0)
    roster.opened(has_restarted=True, is_young=is_young)
    stream, alarm = client.watch(), Alarm(clock)
    alarm.set(stream.cancel, seconds)
    try:
        unreadable = _read(stream, roster, decoder, clock)
    except PodsApiError as error:
        if not alarm.has_rung:
            raise
        raise PodsApiError(Reason.TIMEOUT, f"no initial sync within {seconds:g} s (socket {client.socket})") from error
    finally:
        alarm.stop()
        stream.cancel()
    now = clock.monotonic_seconds()
    pods = {meta.key: meta for meta in roster.synced(now, unreadable)}
    is_complete = roster.is_complete(now) and not unreadable
    return Metadata(
        pods,
        synced=is_complete,
        is_up=True,
        last_success_seconds=clock.wall_seconds(),
        origin=MetadataOrigin.PODSAPI,
    )


def _read(stream: PodStream, roster: Roster, decoder: PodDecoder, clock: Clock) -> set[PodKey]:
    """Read up to the sync, and return the pods that could not be read."""
    unreadable: set[PodKey] = set()
    for data in stream:
        match decode_event(data, decoder):
            case Reported(pod):
                roster.said(pod, clock.monotonic_seconds())
            case Ended(key, uid):
                roster.ended(key, uid)
            case Unusable(key):
                unreadable.add(key)
            case Synced():
                break
            case _:
                continue
    return unreadable
