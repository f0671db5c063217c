"""One snapshot for a command that looks once: from the node itself, from a file, or from a running exporter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from podres_exporter.cli.look.plan import Plan
from podres_exporter.cli.look.shortfalls import shortfalls, without_allocation
from podres_exporter.clock import Clock
from podres_exporter.errors import SnapshotError, SourceError
from podres_exporter.model import Snapshot
from podres_exporter.recording import Recording
from podres_exporter.remote.address import Address


@dataclass(frozen=True, slots=True)
class Gathered:
    """
    A snapshot with an allocation, and when it was made (Unix seconds).

    *shortfalls* are sentences on what is missing though it was wanted. *recording* is there where the node was asked.
    """

    snapshot: Snapshot
    made_at_seconds: float
    shortfalls: tuple[str, ...] = ()
    recording: Recording | None = None


Keep = Callable[[Recording], None]
"""Takes the raw answers of the node, before it is known whether they are of any use."""


def gather(plan: Plan, environment: Mapping[str, str], clock: Clock, keep: Keep | None = None) -> Gathered:
    """
    Return what there is to show. Every question to a source has a deadline.

    Raises SnapshotError where there is nothing, and ConfigError where the credentials that were named cannot be used.
    """
    if plan.file is not None:
        from podres_exporter.cli.look.file import from_file  # noqa: PLC0415 - each way has modules of its own

        return from_file(plan.file)
    if plan.address is not None:
        return _from_exporter(plan.address, plan, clock)
    from podres_exporter.cli.look.node import ask_node  # noqa: PLC0415 - each way has modules of its own

    return ask_node(plan, environment, clock, keep or (lambda _: None))


def _from_exporter(address: Address, plan: Plan, clock: Clock) -> Gathered:
    from podres_exporter.remote.client import ExporterClient  # noqa: PLC0415 - each way has modules of its own

    client = ExporterClient(address, plan.config.kubelet_timeout_seconds, clock, verify=plan.verify)
    try:
        fetched = client.fetch()
    except SourceError as error:
        raise SnapshotError(error.detail) from error
    if fetched is None:
        raise AssertionError("nothing was fetched before")
    if fetched.snapshot.allocation is None:
        raise without_allocation(str(address), fetched.snapshot)
    found = shortfalls(fetched.snapshot, {})
    return Gathered(fetched.snapshot, fetched.generated_at_seconds, tuple(found))
