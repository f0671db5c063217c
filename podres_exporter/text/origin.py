"""The name of each source of pod metadata, and its remedies when it fails."""

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
            "mount the kubelet's pods-api directory, or set --metadata.podsapi-socket; if there is no such socket, "
            f"{_GATE}"
        ),
        Reason.TIMEOUT: "check whether the kubelet answers at all",
        Reason.UNIMPLEMENTED: f"the process listening there does not serve the Pods API; {_GATE}",
        Reason.DISABLED: _GATE,
        Reason.THROTTLED: "the kubelet closed a stream that was read too slowly, or has too many clients: try again",
    },
}


def origin_of(metadata: Metadata | None) -> MetadataOrigin:
    """Return the source of the pod metadata, configured or actual."""
    return MetadataOrigin.APISERVER if metadata is None else metadata.origin


def origin_name(metadata: Metadata | None) -> str:
    """Return the source's name as used within a sentence, such as `the API server`."""
    return NAMES[origin_of(metadata)]


def remedy_of(origin: MetadataOrigin, reason: Reason) -> str:
    """Return what to do if the source fails."""
    return _REMEDIES[origin].get(reason, "see podres-exporter check")


def capital(text: str) -> str:
    """Return the text with its first letter capitalised."""
    return text[:1].upper() + text[1:]
