"""`dump --watch`: what changes, on this node or at a running exporter, until a signal ends it."""

from collections.abc import Callable, Mapping

from podres_exporter.cli.console import complain
from podres_exporter.cli.look.plan import Plan
from podres_exporter.cli.signals import Alarm
from podres_exporter.clock import Clock
from podres_exporter.errors import SourceError
from podres_exporter.model import Snapshot
from podres_exporter.remote.address import Address

Show = Callable[[Snapshot], bool]
"""Shows what is different now; False if nobody reads any more."""

SPACING_SECONDS = 0.5
"""The least time from one look to the next."""


def watch(plan: Plan, environment: Mapping[str, str], alarm: Alarm, clock: Clock, show: Show) -> None:
    """Show snapshot after snapshot, until KeyboardInterrupt or nobody reads. Raises ConfigError."""
    if plan.address is not None:
        _watch_exporter(plan.address, plan, alarm, clock, show)
        return
    from podres_exporter.cli.look.watchnode import watch_node  # noqa: PLC0415 - each way has modules of its own

    watch_node(plan, environment, alarm, clock, show)


def _watch_exporter(address: Address, plan: Plan, alarm: Alarm, clock: Clock, show: Show) -> None:
    """Ask an exporter at intervals; one that has nothing new says only that."""
    from podres_exporter.remote.client import ExporterClient  # noqa: PLC0415 - each way has modules of its own

    client = ExporterClient(address, plan.config.kubelet_timeout_seconds, clock, verify=plan.verify)
    complaint = ""
    while True:
        try:
            fetched = client.fetch()
        except SourceError as error:
            if complaint != error.detail:
                complaint = error.detail
                complain([complaint])
        else:
            complaint = ""
            if fetched is not None and not show(fetched.snapshot):
                return
        alarm.wait(plan.config.poll_interval_seconds)
