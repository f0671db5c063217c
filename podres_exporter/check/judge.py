"""Judge the evidence: every finding, ordered so that causes come before their consequences."""

from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Finding, Report, skipped
from podres_exporter.check.findings.answers import answer_findings
from podres_exporter.check.findings.apiserver import api_findings
from podres_exporter.check.findings.conflicts import double_finding, dual_finding, twins_finding
from podres_exporter.check.findings.endpoint import socket_findings
from podres_exporter.check.findings.labels import labels_finding
from podres_exporter.check.findings.machine import machine_findings
from podres_exporter.check.findings.pods import pod_findings
from podres_exporter.check.findings.release import release_finding
from podres_exporter.check.findings.rpcs import GET, RECORDED, podsapi_findings, rpc_findings
from podres_exporter.check.findings.setup import own_findings, settings_finding
from podres_exporter.errors import Reason
from podres_exporter.join import Joiner, blank_shared_pool
from podres_exporter.model import Allocation, Topology


def judge(evidence: Evidence) -> Report:
    """Judge the evidence. Never raises: missing evidence becomes a skipped finding."""
    settings, allocation = evidence.settings, joined_allocation(evidence)
    return Report(
        settings.node,
        (
            settings_finding(settings),
            *_socket(evidence),
            *rpc_findings(evidence),
            *answer_findings(evidence),
            release_finding(evidence),
            *machine_findings(evidence, allocation),
            *own_findings(evidence),
            double_finding(evidence),
            twins_finding(allocation),
            dual_finding(allocation),
            *api_findings(evidence),
            *podsapi_findings(evidence),
            labels_finding(evidence),
            *pod_findings(evidence, allocation),
        ),
    )


def _socket(evidence: Evidence) -> list[Finding]:
    found = socket_findings(evidence.socket, evidence.settings.hold_down_seconds, evidence.wall_seconds)
    return [skipped(each.id, RECORDED) for each in found] if evidence.is_recorded else found


def joined_allocation(evidence: Evidence) -> Allocation | None:
    """Return who holds what, as the exporter would show it; None if the kubelet does not report it."""
    listing = evidence.listing
    if listing is None:
        return None
    topology = evidence.topology if isinstance(evidence.topology, Topology) else None
    get = evidence.calls.get(GET)
    if get is not None and get.reason is Reason.UNIMPLEMENTED:
        cpus = evidence.allocatable.cpus if evidence.allocatable else None
        listing = blank_shared_pool(listing, topology.online if topology else None, cpus)
    return Joiner().join(listing, evidence.allocatable, topology, evidence.metadata, dra=evidence.dra)
