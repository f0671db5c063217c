"""A running exporter as the origin of a snapshot (`--url`)."""

from podres_exporter.cli.console import complain
from podres_exporter.cli.look.origin import Observation, Show, nothing_to_show
from podres_exporter.cli.signals import Alarm
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import SnapshotError, SourceError
from podres_exporter.remote.address import Address, ClientTls
from podres_exporter.remote.client import ExporterClient


class ExporterOrigin:
    """A SnapshotOrigin that reads the JSON snapshot of one exporter over HTTP."""

    def __init__(self, config: Config, address: Address, clock: Clock, tls: ClientTls) -> None:
        """*tls* is for https addresses."""
        self.config, self._address, self._clock = config, address, clock
        self._client = ExporterClient(address, config.kubelet_timeout_seconds, clock, tls)

    def look(self) -> Observation:
        """Return the exporter's current snapshot."""
        try:
            fetched = self._client.fetch()
        except SourceError as error:
            raise SnapshotError(error.detail) from error
        if fetched is None:
            raise AssertionError("nothing was fetched before")
        if fetched.snapshot.allocation is None:
            raise nothing_to_show(str(self._address), fetched.snapshot)
        return Observation(fetched.snapshot, fetched.generated_at_seconds, self._clock.wall_seconds())

    def watch(self, alarm: Alarm, show: Show) -> None:
        """Poll at intervals; an unchanged snapshot is not transferred again."""
        complaint = ""
        while True:
            try:
                fetched = self._client.fetch()
            except SourceError as error:
                if complaint != error.detail:
                    complaint = error.detail
                    complain([complaint])
            else:
                complaint = ""
                if fetched is not None and not show(fetched.snapshot):
                    return
            alarm.wait(self.config.poll_interval_seconds)
