"""Check a running exporter by its own snapshot (`check --url`)."""

from podres_exporter.check import Report
from podres_exporter.check.finding import failed, ok
from podres_exporter.clock import Clock
from podres_exporter.cluster.health import exporter_findings
from podres_exporter.cluster.outcome import Answered, Target
from podres_exporter.errors import SourceError
from podres_exporter.printable import printable
from podres_exporter.remote.address import Address, ClientTls
from podres_exporter.remote.client import ExporterClient
from podres_exporter.text.amounts import age_text
from podres_exporter.text.words import counted

REACH = "exporter.reach"


def exporter_report(address: Address, tls: ClientTls, timeout_seconds: float, clock: Clock) -> Report:
    """Return the findings on the exporter and its node; the first says whether it answers."""
    try:
        fetched = ExporterClient(address, timeout_seconds, clock, tls).fetch()
    except SourceError as error:
        return Report("", (failed(REACH, printable(error.detail), "run podres-exporter check on the node"),))
    if fetched is None:
        raise AssertionError("nothing was fetched before")
    snapshot, now = fetched.snapshot, clock.wall_seconds()
    target = Target(snapshot.node, "", "", address.port)
    told = Answered(target, snapshot, fetched.generated_at_seconds, "", snapshot.node)
    pods = counted(len(snapshot.allocation.pods), "pod") if snapshot.allocation else "nothing"
    age = age_text(max(0.0, now - fetched.generated_at_seconds))
    seen = f"{address} shows {pods} of {printable(snapshot.node)}, as of {age} ago"
    return Report(snapshot.node, (ok(REACH, seen), *exporter_findings(told, now)))
