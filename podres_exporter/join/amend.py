"""News of a few pods into the last whole answer."""

from collections.abc import Mapping
from dataclasses import replace

from podres_exporter.model import Listing, Pod, PodKey


def amend(listing: Listing, news: Mapping[PodKey, Pod | None]) -> Listing:
    """Return the listing with these pods in place of those of their names, None for one that is no longer listed."""
    pods = {pod.key: pod for pod in listing.pods}
    for key, pod in news.items():
        if pod is None:
            pods.pop(key, None)
        elif pods.get(key) != pod:
            pods[key] = pod
    return replace(listing, pods=tuple(pods[key] for key in sorted(pods)))
