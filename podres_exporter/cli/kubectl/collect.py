"""Find the exporters of a cluster and fetch the snapshot of each node."""

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from podres_exporter.cli.console import write
from podres_exporter.cli.kubectl.api import KubeApi, Pods
from podres_exporter.cli.kubectl.command import complain
from podres_exporter.cli.kubectl.connection import connect
from podres_exporter.cli.kubectl.fanout import AT_ONCE, Patience, Progress, ask_all, asking
from podres_exporter.cli.kubectl.flags import SCHEMES
from podres_exporter.clock import Clock
from podres_exporter.cluster.exporters import Rules, choose
from podres_exporter.cluster.installation import (
    AmbiguousError,
    DaemonSetKey,
    Installation,
    ambiguous,
    choose_installation,
    daemon_sets,
    namespaces_of,
    oldest_namespace,
    other_lines,
)
from podres_exporter.cluster.outcome import Outcome, Target, is_interrupted, told
from podres_exporter.cluster.pod_list import read_object
from podres_exporter.config.values import at_least
from podres_exporter.errors import ApiServerError, Reason, SnapshotError
from podres_exporter.kube.client import Limits
from podres_exporter.printable import printable

_LONGEST_PORT = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Way:
    """Which cluster and exporters to query, with timeouts."""

    kubeconfig: str | None
    context: str | None
    exporters: Pods
    rules: Rules
    patience: Patience


def make_way(arguments: argparse.Namespace, faults: list[str]) -> Way:
    """Return the settings; *faults* gets what cannot be parsed."""
    faults += [
        f"--{flag}: is empty; omit it for the default"
        for flag in ("kubeconfig", "context", "exporter-namespace")
        if getattr(arguments, flag.replace("-", "_")) == ""
    ]
    if "" in arguments.node:
        faults.append("--node: the name is empty; omit the flag for all of them")
    if not arguments.exporter_selector:
        faults.append("--exporter-selector: is empty, which would select every pod of the cluster")
    if arguments.exporter_scheme not in SCHEMES:
        faults.append(f"--exporter-scheme: {arguments.exporter_scheme!r} is unknown; choose {' or '.join(SCHEMES)}")
    rules = Rules(
        _port(arguments.exporter_port, faults), arguments.exporter_scheme == "https", frozenset(arguments.node)
    )
    patience = Patience(*(_seconds(flag, getattr(arguments, flag[2:]), faults) for flag in ("--timeout", "--deadline")))
    exporters = Pods(arguments.exporter_namespace, arguments.exporter_selector)
    return Way(arguments.kubeconfig, arguments.context, exporters, rules, patience)


def _port(text: str | None, faults: list[str]) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_PORT and 0 < int(text) < 65536:
        return int(text)
    faults.append(f"--exporter-port: {text!r} is not the number of a port; write for example 10190")
    return None


def _seconds(flag: str, text: str, faults: list[str]) -> float:
    try:
        return at_least(0.1, "100ms")(text)
    except ValueError as error:
        faults.append(f"{flag}: {error}")
        return 1.0


class InOrder:
    """Outcomes that come in any order, given on in the order of their targets."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """None has come yet."""
        self._targets, self._next = targets, 0
        self._come: dict[Target, Outcome] = {}

    def put(self, target: Target, outcome: Outcome) -> list[Outcome]:
        """Take an outcome; return those that all before them have been returned of."""
        self._come[target] = outcome
        ready = []
        while self._next < len(self._targets) and self._targets[self._next] in self._come:
            ready.append(self._come.pop(self._targets[self._next]))
            self._next += 1
        return ready


class Cluster:
    """One cluster during a command."""

    def __init__(self, way: Way, api: KubeApi, clock: Clock) -> None:
        """Keep the collaborators; nothing is requested yet."""
        self.api, self.clock, self._way = api, clock, way

    def ask(
        self,
        nodes: frozenset[str] | None = None,
        *,
        takes_unready: bool = False,
        early: Callable[[Sequence[Outcome]], str] | None = None,
    ) -> list[Outcome]:
        """
        Return the outcome for each node with an exporter, or for *nodes* if given.

        *early* gets each outcome once, in the order of the nodes, and returns what can already be printed. Raises
        SnapshotError if no exporter is found at all, and KeyboardInterrupt if the user did not wait for a single node.
        """
        rules = replace(self._way.rules, takes_unready=takes_unready, nodes=nodes or self._way.rules.nodes)
        installation = self._installation()
        complain(other_lines(installation))
        choice = choose(installation.pods, rules)
        progress = Progress()
        order = InOrder(choice.targets)

        def arrived(target: Target, outcome: Outcome) -> None:
            ready = order.put(target, outcome)
            text = early(ready) if early is not None and ready else ""
            if text:
                progress.clear()
                write(text)

        try:
            found = ask_all(choice.targets, asking(self.api), self.clock, self._way.patience, progress.show, arrived)
        finally:
            progress.clear()
        if is_interrupted(found) and not told(found):
            raise KeyboardInterrupt
        return [*choice.troubles, *found]

    def _installation(self) -> Installation:
        """Return the trusted pods. Raises SnapshotError if there are none, or if it is ambiguous."""
        given = self._way.exporters.namespace
        pods = listed(lambda: self.api.pods(self._way.exporters), given)
        if not pods:
            raise SnapshotError(_nothing(self._way.exporters))
        try:
            namespace = given or self._namespace(daemon_sets(pods))
            return choose_installation(pods, namespace, is_given=given is not None)
        except AmbiguousError as error:
            raise SnapshotError(str(error)) from error

    def _namespace(self, owners: Sequence[DaemonSetKey]) -> str | None:
        """Return the namespace of the exporters' DaemonSet; of several, the oldest. None without any."""
        if len(namespaces_of(owners)) <= 1:
            return next(iter(namespaces_of(owners)), None)
        return oldest_namespace({each: self._created(each, owners) for each in owners})

    def _created(self, key: DaemonSetKey, owners: Sequence[DaemonSetKey]) -> str | None:
        """Return when a DaemonSet was created, None if it does not exist. Raises AmbiguousError."""
        path = f"/apis/apps/v1/namespaces/{quote(key.namespace, safe='')}/daemonsets/{quote(key.name, safe='')}"
        try:
            code, body = self.api.get(path, {}, self._way.patience.each_seconds)
            if code == HTTPStatus.OK:
                found = read_object(body).metadata
                return (found.creation_timestamp or "") if found.uid == key.uid else None
        except ApiServerError as error:
            raise ambiguous(owners, printable(error.detail)) from error
        if code != HTTPStatus.NOT_FOUND:
            raise ambiguous(owners, f"finding the oldest needs get on daemonsets.apps: HTTP {code}")
        return None


@contextlib.contextmanager
def cluster(way: Way, clock: Clock) -> Iterator[Cluster]:
    """Yield the cluster, and close its connections at the end. Raises ConfigError without credentials."""
    limits = Limits(list_seconds=way.patience.each_seconds)
    api = connect(way.kubeconfig, way.context, os.environ, clock, limits, connections=AT_ONCE)
    try:
        yield Cluster(way, api, clock)
    finally:
        api.close()


def listed(ask: Callable[[], T], namespace: str | None) -> T:
    """Return the result of a list request. Raises SnapshotError with the remedy if it fails."""
    try:
        return ask()
    except ApiServerError as error:
        detail = printable(error.detail.removeprefix("list: "))
        where = f"in namespace {printable(namespace)}" if namespace else "of all namespaces"
        match error.reason:
            case Reason.DENIED if "HTTP 403" in detail:
                narrower = "" if namespace else ", or give the exporters' namespace with --exporter-namespace"
                remedy = f"grant list on pods {where}{narrower}"
            case Reason.DENIED:
                remedy = "check that kubectl get pods works with the same --context"
            case Reason.UNAVAILABLE | Reason.TIMEOUT:
                remedy = "check that kubectl get pods works, or allow more time with --timeout"
            case _:
                remedy = "check --exporter-selector and -l"
        raise SnapshotError(f"the pods {where} cannot be listed: {detail}; {remedy}") from error


def _nothing(exporters: Pods) -> str:
    where = f"in namespace {printable(exporters.namespace)}" if exporters.namespace else "in any namespace"
    return (
        f"no exporter found: no pod {where} has the labels {printable(exporters.labels)}; install podres-exporter as "
        "a DaemonSet, or set --exporter-selector and --exporter-namespace to find its pods"
    )
