"""Judge the evidence: every finding, ordered so that causes come before their consequences."""

from podres_exporter.check.answers import answer_findings
from podres_exporter.check.apiserver import api_findings
from podres_exporter.check.doubles import double_finding
from podres_exporter.check.endpoint import socket_findings
from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Report
from podres_exporter.check.labels import labels_finding
from podres_exporter.check.machine import machine_findings
from podres_exporter.check.own import own_findings
from podres_exporter.check.pods import pod_findings
from podres_exporter.check.podsapi import podsapi_findings
from podres_exporter.check.release import release_finding
from podres_exporter.check.rpcs import GET, rpc_findings
from podres_exporter.check.settings import settings_finding
from podres_exporter.check.twins import twins_finding
from podres_exporter.errors import Reason
from podres_exporter.join import Joiner, blank_shared_pool
from podres_exporter.model import Allocation, Topology


def judge(evidence: Evidence) -> Report:
    """Return what the evidence comes to. Never raises: what is not there is a finding that was skipped."""
    settings, allocation = evidence.settings, joined_allocation(evidence)
    return Report(
        settings.node,
        (
            settings_finding(settings),
            *socket_findings(evidence.socket, settings.hold_down_seconds, evidence.wall_seconds),
            *rpc_findings(evidence),
            *answer_findings(evidence),
            release_finding(evidence),
            *machine_findings(evidence, allocation),
            *own_findings(evidence),
            double_finding(evidence),
            twins_finding(allocation),
            *api_findings(evidence),
            *podsapi_findings(evidence),
            labels_finding(evidence),
            *pod_findings(evidence, allocation),
        ),
    )


def joined_allocation(evidence: Evidence) -> Allocation | None:
    """Return who holds what, as the exporter would show it; None where the kubelet does not tell."""
    listing = evidence.listing
    if listing is None:
        return None
    topology = evidence.topology if isinstance(evidence.topology, Topology) else None
    get = evidence.calls.get(GET)
    if get is not None and get.reason is Reason.UNIMPLEMENTED:
        cpus = evidence.allocatable.cpus if evidence.allocatable else None
        listing = blank_shared_pool(listing, topology.online if topology else None, cpus)
    return Joiner().join(listing, evidence.allocatable, topology, evidence.metadata)
