"""Check a node by its snapshot or recording: that of a running exporter (`--url`) or of a file (`--from`)."""

from podres_exporter.check import Report, judge
from podres_exporter.check.evidence import (
    Call,
    Connection,
    Evidence,
    FileKind,
    Look,
    Outcome,
    Settings,
    Socket,
    SocketFile,
)
from podres_exporter.check.finding import failed, ok
from podres_exporter.cli.look.file import load_file
from podres_exporter.clock import Clock
from podres_exporter.cluster.health import exporter_findings
from podres_exporter.cluster.outcome import Answered, Target
from podres_exporter.config import Config
from podres_exporter.document import Decoded
from podres_exporter.errors import KubeletError, SourceError, TopologyError
from podres_exporter.model import Listing, Topology
from podres_exporter.printable import printable
from podres_exporter.recording import Recording
from podres_exporter.remote.address import Address, ClientTls
from podres_exporter.remote.client import ExporterClient
from podres_exporter.text.amounts import age_text
from podres_exporter.text.availability import moment_text
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


def file_report(name: str, config: Config) -> Report:
    """Return the findings on a file; `-` is standard input. Raises SnapshotError if it cannot be read."""
    loaded = load_file(name)
    return judge(recorded_evidence(loaded, config)) if isinstance(loaded, Recording) else _snapshot_report(loaded)


def _snapshot_report(found: Decoded) -> Report:
    """Return the findings on a snapshot at its time, after one that names its node and exporter."""
    snapshot, made_at = found.snapshot, found.generated_at_seconds or 0.0
    told = Answered(Target(snapshot.node, "", "", 0), snapshot, made_at, found.version, snapshot.node)
    pods = counted(len(snapshot.allocation.pods), "pod") if snapshot.allocation else "nothing"
    by = f"podres-exporter {printable(found.version or 'of an unknown version')}"
    seen = f"{by} shows {pods} of {printable(snapshot.node)}, as of {moment_text(made_at)}"
    return Report(snapshot.node, (ok("snapshot.file", seen, version=found.version), *exporter_findings(told, made_at)))


def recorded_evidence(recording: Recording, config: Config) -> Evidence:
    """Return the evidence in a recording; what was not recorded becomes skipped findings."""
    from podres_exporter.sources.interfaces import ALLOCATABLE, LIST  # noqa: PLC0415 - gRPC, for recordings alone
    from podres_exporter.sources.recorded import RecordedKubelet, RecordedTopology  # noqa: PLC0415 - as above

    kubelet = RecordedKubelet(recording)
    calls = {
        rpc: Call(
            rpc,
            None,
            None if call.answer is None else len(call.answer),
            call.refusal.reason if call.refusal else None,
            call.refusal.detail if call.refusal else "",
        )
        for rpc, call in recording.calls.items()
    }
    topology: Topology | TopologyError
    try:
        topology = RecordedTopology(recording).read()
    except TopologyError as error:
        topology = error
    try:
        listing: Listing | None = kubelet.list() if LIST in calls else None
    except KubeletError:
        listing = None
    try:
        allocatable = kubelet.allocatable() if ALLOCATABLE in calls else None
    except KubeletError:
        allocatable = None
    made = recording.recorded_at_seconds - (recording.socket_age_seconds or 0.0)
    socket = SocketFile(FileKind.SOCKET, changed_seconds=made)
    return Evidence(
        settings=Settings(
            recording.node, config.kubelet_timeout_seconds, config.snapshot_hold_down_seconds, "recorded"
        ),
        socket=Socket("", "", 0, socket, Connection(Outcome.CONNECTED, 0.0)),
        wall_seconds=recording.recorded_at_seconds,
        topology=topology,
        calls=calls,
        allocatable=allocatable,
        looks=(Look(listing, recording.metadata),),
        is_recorded=True,
        dra=recording.dra,
    )
