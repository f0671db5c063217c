"""The source that knows nothing."""

from collections.abc import Collection

from podres_exporter.model import PodKey
from podres_exporter.sources import NoMetadata, PodMetaSource


def test_it_knows_no_pod_and_never_says_anything() -> None:
    told: list[Collection[PodKey]] = []
    source: PodMetaSource = NoMetadata()
    source.start(told.append)

    assert source.metadata() is None
    source.stop()
    assert [] == told
