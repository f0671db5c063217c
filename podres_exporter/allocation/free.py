"""Of what it is not known how much is free."""

from podres_exporter.allocation.cache import Cache
from podres_exporter.allocation.entry import resources_of
from podres_exporter.allocation.unlisted import asked_for
from podres_exporter.model import Metadata, Unknown


def unknown(cache: Cache, now: float, metadata: Metadata | None) -> Unknown:
    """
    Return of what it is not known how much is held: nothing may be said of what is free there.

    All that may hold something is known when

    - the witness was listed once in the exporter's life, for 3 s where the kubelet was younger than the hold-down and
      has not said each pod that followed metadata says runs: since then the entries keep what is known over each
      restart;
    - no pod runs unlisted that asks for it;
    - no retained pod held it whose rows are too old to be shown;
    - no item of the kubelet's answer was unreadable. Where it is not known of what it was, nothing at all is known.
    """
    if not cache.witness.is_known:
        return Unknown(everything=True)
    too_old = [entry.pod for entry in cache.retained() if cache.is_too_old(entry, now)]
    return cache.unreadable | asked_for(cache.unlisted(now, metadata)) | Unknown(resources=resources_of(too_old))
