"""Each source of pod metadata has its own wording."""

import pytest

from podres_exporter.errors import Reason
from podres_exporter.model import Metadata, MetadataOrigin
from podres_exporter.text.availability import capital, origin_name, remedy_of


def test_nobody_who_was_asked_is_the_api_server() -> None:
    assert "the API server" == origin_name(None) == origin_name(Metadata())
    assert "The kubelet's Pods API" == capital(origin_name(Metadata(origin=MetadataOrigin.PODSAPI)))


@pytest.mark.parametrize(
    ("origin", "reason", "words"),
    [
        (MetadataOrigin.APISERVER, Reason.DENIED, "grant list and watch of pods"),
        (MetadataOrigin.APISERVER, Reason.TIMEOUT, "API server can be reached"),
        (MetadataOrigin.PODSAPI, Reason.DENIED, "only root may open the socket"),
        (MetadataOrigin.PODSAPI, Reason.UNAVAILABLE, "mount the kubelet's pods-api directory"),
        (MetadataOrigin.PODSAPI, Reason.DISABLED, "feature gate PodsAPI"),
        (MetadataOrigin.PODSAPI, Reason.UNIMPLEMENTED, "does not serve the Pods API"),
        (MetadataOrigin.PODSAPI, Reason.THROTTLED, "read too slowly"),
        (MetadataOrigin.PODSAPI, Reason.INTERNAL, "see podres-exporter check"),
    ],
)
def test_a_failure_has_the_remedy_of_its_source(origin: MetadataOrigin, reason: Reason, words: str) -> None:
    assert words in remedy_of(origin, reason)
