"""
What is not known: which pods hold something that no kubelet has said, and of what no free amount can be stated.

Pure: no clock, no I/O.
"""

from collections.abc import Iterator

from podres_exporter.allocation.cache import Cache, Entry
from podres_exporter.allocation.holdings import asked_for, resources_of
from podres_exporter.allocation.rules import Instance
from podres_exporter.model import PodKey, PodMeta, Unknown

LATE_SECONDS = 5.0
"""So long after its first answer a kubelet that reaches its API server has had its pods; it takes about two."""


def unknown(cache: Cache, now: float) -> Unknown:
    """
    Return of what it is not known how much is held: nothing may be said of what is free there.

    All that may hold something is known when

    - the witness was listed once in the exporter's life, for 3 s where the kubelet was younger than the hold-down and
      has not said each pod that followed metadata says runs: since then the entries keep what is known over each
      restart;
    - the running kubelet has had its pods, or metadata tell of them: what came between the last List and a restart is
      known to nobody else, and a kubelet without its API server does not say it;
    - no pod runs unlisted that asks for it;
    - no retained pod held it whose rows are too old to be shown;
    - no item of the kubelet's answer was unreadable. Where it is not known of what it was, nothing at all is known.
    """
    if not cache.witness.is_known or _is_late(cache, now):
        return Unknown(everything=True)
    too_old = resources_of(entry.pod for entry in cache.retained() if cache.is_too_old(entry, now))
    return cache.unreadable | Unknown(resources=too_old | asked_for(unlisted(cache, now)))


def _is_late(cache: Cache, now: float) -> bool:
    """Return whether the kubelet alone could tell of new pods, and has not had them in time."""
    waited_since = cache.witness.waited_since
    return cache.metadata is None and waited_since is not None and now - waited_since >= LATE_SECONDS


def unlisted(cache: Cache, now: float) -> list[PodMeta]:
    """
    Return the pods, sorted, that metadata said run when it was last followed, or right before it was lost, and that the
    kubelet should have said by now; for as long as a retained one would be missing.
    """
    metas = cache.metadata.pods if cache.metadata is not None else {}
    waiting = [entry for entry, is_over in _waited_for(cache, now) if not is_over]
    due = [each for each in waiting if cache.is_retained(each) or now - each.said_at >= cache.waits.grace]
    return [metas[each.pod.key] for each in due if each.pod.key in metas]


def given_up(cache: Cache, now: float) -> list[PodKey]:
    """Return the pods, sorted, that followed metadata says run and for which nothing is held any more."""
    over = [entry for entry, is_over in _waited_for(cache, now) if is_over]
    return [each.pod.key for each in over if cache.instance(each) is Instance.RUNS]


def _waited_for(cache: Cache, now: float) -> Iterator[tuple[Entry, bool]]:
    """
    Yield the unlisted pods, sorted, each with whether a rule has ended the wait for it.

    No clock runs for one that the kubelet has not denied yet: it may only not have been asked.
    """
    missing = cache.witness.missing_seconds(now)
    for _, entry in sorted(cache.unlisted.items()):
        yield entry, cache.rule(entry, missing if entry.denials else None) is not None
