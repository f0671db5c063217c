"""`check`: diagnose everything the exporter needs on this node."""

import argparse
import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podres_exporter import __version__
from podres_exporter.check import Evidence, Report, Verdict, judge, text_lines, to_document, without_names
from podres_exporter.check.evidence import ApiServer, Look, PodsApi, Settings
from podres_exporter.check.findings.pods import disagrees
from podres_exporter.cli.console import ended
from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.cli.flags.who import URL_VARIABLE
from podres_exporter.cli.look.resolve import asked_exporter, origin_of
from podres_exporter.cli.probe.apiserver import LIMITS, ApiProbe, connect
from podres_exporter.cli.probe.doubles import find_doubles
from podres_exporter.cli.probe.kubelet import KubeletProbe, PodsApiProbe
from podres_exporter.cli.probe.snapshot import exporter_report, file_report
from podres_exporter.cli.probe.socket import DEVICE_PLUGINS, MOUNTINFO, look_at_socket, look_for_device_manager
from podres_exporter.cli.serve.command import configured
from podres_exporter.clock import Clock, SystemClock
from podres_exporter.config import Config
from podres_exporter.config import options as known
from podres_exporter.config.build import Given
from podres_exporter.config.environment import unknown_variables, variables_of
from podres_exporter.errors import TopologyError
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.join import claim_users
from podres_exporter.kube.auth.credentials import SERVICE_ACCOUNT
from podres_exporter.kube.client import Limits
from podres_exporter.log import configure
from podres_exporter.model import ClaimKey, Listing, Metadata, PodKey, PodView, Topology
from podres_exporter.recording.pseudonyms import Pseudonyms
from podres_exporter.sources import SysfsTopology

FORMATS = ("text", "json")
EXIT_CODES = {Verdict.OK: 0, Verdict.FAILED: 1, Verdict.WARNING: 3}

SECOND_LOOK_SECONDS = 2.0
"""Pods that are being started or deleted are known to one side only for about this long."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Replaceable for tests: clock, list of mounts, service account, and pauses."""

    clock: Clock
    mountinfo: Path = MOUNTINFO
    service_account: Path = SERVICE_ACCOUNT
    limits: Limits = LIMITS
    device_plugins: Path = DEVICE_PLUGINS


def run(arguments: argparse.Namespace) -> int:
    """Gather evidence and print the findings; return 0 if all is well, 1 if something failed, 3 for warnings only."""
    unknown = f"-o: {arguments.output!r} is unknown; choose {' or '.join(FORMATS)}"
    faults = [] if arguments.output in FORMATS else [unknown]
    given, clock = given_flags(arguments), SystemClock()
    if arguments.file is not None:
        config = origin_of(arguments, os.environ, clock, faults).config
        return ended(lambda: _print(arguments, file_report(arguments.file, config), clock))
    exporter = asked_exporter(arguments, os.environ, faults)
    if exporter is not None:
        address, tls, config = exporter
        configure(config.log_level, config.log_format)
        return _print(arguments, exporter_report(address, tls, config.kubelet_timeout_seconds, clock), clock)
    is_named = not lacks_node_name(given, os.environ)
    named = given if is_named else {**given, "--node-name": socket.gethostname()}
    config = configured(named, os.environ, faults)
    configure(config.log_level, config.log_format)
    evidence = gather(config, stated(given, os.environ), os.environ, Surroundings(clock), is_named=is_named)
    return _print(arguments, judge(evidence), clock)


def _print(arguments: argparse.Namespace, report: Report, clock: Clock) -> int:
    """Print the findings, and return the exit code."""
    if arguments.hash_names:
        report = without_names(report, Pseudonyms(secrets.token_bytes()).name(report.node))
    if arguments.output == "json":
        document = to_document(report, generated_at_seconds=clock.wall_seconds(), version=__version__)
        print(json.dumps(document, indent=2))
    else:
        for line in text_lines(report, colours=wants_colours(os.environ, is_terminal=sys.stdout.isatty())):
            print(line)
    is_forgiven = arguments.warnings_ok and report.verdict is Verdict.WARNING
    return 0 if is_forgiven else EXIT_CODES[report.verdict]


def lacks_node_name(given: Given, environment: Mapping[str, str]) -> bool:
    """
    Return whether the API server is needed but the node's name is not configured.

    `serve` refuses to start then; here the host name is tried, and it is a finding like any other.
    """
    source, node = known.METADATA_SOURCE, known.NODE_NAME
    wanted = given.get(source.flag) or environment.get(source.environment) or source.default
    is_named = node.flag in given or environment.get(node.environment) or environment.get("NODE_NAME")
    return wanted == "apiserver" and not is_named


def wants_colours(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return whether to use colours: the terminal supports them, and NO_COLOR is not set (https://no-color.org)."""
    return is_terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def stated(given: Given, environment: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """
    Return the flags and variables that were set, in the order of the options; and unknown variables with our prefix,
    each with the nearest known one.
    """
    variables = variables_of(COLLECTORS)
    found = [
        flag if flag in given else name for name, flag in variables.items() if flag in given or environment.get(name)
    ]
    if environment.get("NODE_NAME"):
        found.append("NODE_NAME")
    return tuple(found), unknown_variables(environment, {*variables, URL_VARIABLE})


def gather(
    config: Config,
    said: tuple[tuple[str, ...], tuple[tuple[str, str], ...]],
    environment: Mapping[str, str],
    around: Surroundings,
    *,
    is_named: bool = True,
) -> Evidence:
    """
    Gather all evidence, whatever fails.

    It takes at most four deadlines of kubelet calls, three of API server requests, and a pause.
    """
    given, strangers = said
    clock = around.clock
    endpoint = look_at_socket(config.kubelet_socket, clock, around.mountinfo)
    kubelet = KubeletProbe(config.kubelet_socket, config.kubelet_timeout_seconds, clock)
    asker, api = _api(config, environment, around)
    if asker is None and not is_named:
        api = ApiServer(is_node_named=False)
    podsapi = PodsApiProbe(config, clock) if config.metadata_source == "podsapi" else None
    named: PodsApi | None = None
    try:
        listing = kubelet.list() if endpoint.is_connected else None
        allocatable = kubelet.allocatable() if endpoint.is_connected else None
        metadata = None
        if asker is not None:
            pods, metadata = asker.list()
            if is_named or _is_of_node(metadata, listing):
                api = ApiServer(account=asker.account, reviews=asker.reviews(), pods=pods, dra=asker.dra())
            else:
                api, metadata = ApiServer(is_node_named=False), None
                asker.close()
                asker = None
        if podsapi is not None:
            named, metadata = podsapi.list()
        looks = _looks(Look(listing, metadata), kubelet, asker or podsapi, clock)
        key = _any_pod(looks[-1])
        if endpoint.is_connected and key is not None:
            kubelet.get(key)
        dra = asker.read_dra(api.dra, _claims(looks[-1])) if asker is not None and api is not None else None
        doubles = find_doubles(looks[-1], kubelet, clock, dra)
    finally:
        kubelet.close()
        for each in (asker, podsapi):
            if each is not None:
                each.close()
    return Evidence(
        settings=Settings(
            node=config.node_name,
            timeout_seconds=config.kubelet_timeout_seconds,
            hold_down_seconds=config.snapshot_hold_down_seconds,
            metadata_source=config.metadata_source,
            allowlist=config.pod_labels_allowlist,
            max_message_bytes=config.kubelet_max_message_bytes,
            given=given,
            strangers=strangers,
            own_pod=config.own_pod,
            is_node_guessed=not is_named,
        ),
        socket=endpoint,
        wall_seconds=clock.wall_seconds(),
        topology=_topology(config.topology_sysfs),
        calls=kubelet.calls,
        allocatable=allocatable,
        looks=looks,
        doubles=doubles,
        dra=dra,
        api=api,
        podsapi=named,
        device_manager=look_for_device_manager(config.kubelet_socket, around.device_plugins),
    )


def _is_of_node(metadata: Metadata | None, listing: Listing | None) -> bool:
    """Return whether the API server's pods under the host name are those of this kubelet."""
    return metadata is not None and listing is not None and any(pod.key in metadata.pods for pod in listing.pods)


def _api(
    config: Config, environment: Mapping[str, str], around: Surroundings
) -> tuple[ApiProbe | None, ApiServer | None]:
    """Return the API client, or the evidence without credentials; neither if the API server is not used."""
    if config.metadata_source != "apiserver":
        return None, None
    found = connect(config, environment, around.clock, around.limits, around.service_account)
    return (found, None) if isinstance(found, ApiProbe) else (None, found)


def _looks(first: Look, kubelet: KubeletProbe, asker: ApiProbe | PodsApiProbe | None, clock: Clock) -> tuple[Look, ...]:
    """Return the observation, and a second one a moment later if the two sides disagree."""
    if asker is None or not disagrees(first):
        return (first,)
    clock.wait(threading.Event(), SECOND_LOOK_SECONDS)
    listing, (_, metadata) = kubelet.list_again(), asker.list()
    return (first,) if listing is None or metadata is None else (first, Look(listing, metadata))


def _claims(look: Look) -> dict[ClaimKey, frozenset[str]]:
    """Return the claims of this node's pods; those of finished pods are not read."""
    pods = look.listing.pods if look.listing else ()
    return claim_users([PodView(pod, ()) for pod in pods], look.metadata.pods.values() if look.metadata else ())


def _any_pod(look: Look) -> PodKey | None:
    """Return a pod to request with Get, preferably a listed one, which has no side effects."""
    if look.listing is not None and look.listing.pods:
        return look.listing.pods[0].key
    metadata = look.metadata or Metadata()
    return next((key for key, meta in sorted(metadata.pods.items()) if not meta.is_terminal), None)


def _topology(root: Path) -> Topology | TopologyError:
    try:
        return SysfsTopology(root).read()
    except TopologyError as error:
        return error
