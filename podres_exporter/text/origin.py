"""What a source of pod metadata is called, and what helps where it fails: each in its own words."""

from podres_exporter.errors import Reason
from podres_exporter.model import Metadata, MetadataOrigin

NAMES = {MetadataOrigin.APISERVER: "the API server", MetadataOrigin.PODSAPI: "the kubelet's Pods API"}
TITLES = {MetadataOrigin.APISERVER: "API server", MetadataOrigin.PODSAPI: "Pods API"}

_REACH = "check that the API server can be reached"
_GATE = "set the kubelet's feature gate PodsAPI (from 1.36 on; on by default from 1.37)"
_REMEDIES = {
    MetadataOrigin.APISERVER: {
        Reason.DENIED: "grant list and watch of pods to the user of this command",
        Reason.UNAVAILABLE: _REACH,
        Reason.TIMEOUT: _REACH,
    },
    MetadataOrigin.PODSAPI: {
        Reason.DENIED: "only root may open the socket: run this as root",
        Reason.UNAVAILABLE: (
            "mount the kubelet's pods-api directory, or name the socket with --metadata.podsapi-socket; where there is "
            f"none, {_GATE}"
        ),
        Reason.TIMEOUT: "see whether the kubelet answers anything",
        Reason.UNIMPLEMENTED: f"what listens there is not the Pods API; {_GATE}",
        Reason.DISABLED: _GATE,
        Reason.THROTTLED: "the kubelet has cut a stream that was read too slowly, or has too many clients: try again",
    },
}


def origin_of(metadata: Metadata | None) -> MetadataOrigin:
    """Return who tells of the pods, or would."""
    return MetadataOrigin.APISERVER if metadata is None else metadata.origin


def origin_name(metadata: Metadata | None) -> str:
    """Return the origin's name within a sentence, such as `the API server`."""
    return NAMES[origin_of(metadata)]


def remedy_of(origin: MetadataOrigin, reason: Reason) -> str:
    """Return what to do where the origin gives nothing."""
    return _REMEDIES[origin].get(reason, "see podres-exporter check")


def capital(text: str) -> str:
    """Return the text with a capital letter."""
    return text[:1].upper() + text[1:]
