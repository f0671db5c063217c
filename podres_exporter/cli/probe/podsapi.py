"""Gather evidence on the kubelet's Pods API."""

from podres_exporter.check.evidence import PodsApi
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import PodsApiError
from podres_exporter.model import Metadata
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.client import PodsApiClient
from podres_exporter.podsapi.once import read_pods
from podres_exporter.service.follower import PollSettings

NAMES_SECONDS = 10.0
"""Timeout of the initial sync; a user is waiting."""


class PodsApiProbe:
    """Opens a stream, and closes it after the initial sync."""

    def __init__(self, config: Config, clock: Clock) -> None:
        """Open nothing yet."""
        self._config, self._clock = config, clock
        self._client = PodsApiClient(config.metadata_podsapi_socket)

    def list(self) -> tuple[PodsApi, Metadata | None]:
        """Return the result and the pods; None if they were not sent."""
        config, began = self._config, self._clock.monotonic_seconds()
        path = str(config.metadata_podsapi_socket)
        try:
            metadata = read_pods(
                self._client,
                PodDecoder(config.pod_labels_allowlist),
                self._clock,
                PollSettings.of(config).site.own,
                seconds=NAMES_SECONDS,
                young=config.snapshot_hold_down_seconds,
            )
        except PodsApiError as error:
            return PodsApi(path, self._clock.monotonic_seconds() - began, error=error), None
        seconds = self._clock.monotonic_seconds() - began
        return PodsApi(path, seconds, len(metadata.pods), is_complete=metadata.synced), metadata

    def close(self) -> None:
        """Close the channel."""
        self._client.close()
