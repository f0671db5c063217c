"""`kubectl podres explain`: why a pod has the CPUs and devices it has, or where a pending pod would fit."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.cli.console import columns, write
from podres_exporter.cli.flags.request import explained_pod, output_fault
from podres_exporter.cli.kubectl.api import Pods
from podres_exporter.cli.kubectl.collect import Cluster, cluster, listed, make_way
from podres_exporter.cli.kubectl.command import named_troubles, refuse
from podres_exporter.clock import SystemClock
from podres_exporter.cluster.documents import json_of
from podres_exporter.cluster.fit import Pending, pending_document, pending_lines, ranked
from podres_exporter.cluster.outcome import Answered, told, troubles
from podres_exporter.cluster.pod_list import ListedPod, read_page
from podres_exporter.errors import NotFoundError
from podres_exporter.explain import explain
from podres_exporter.explain.document import to_dict
from podres_exporter.explain.find import known_pods
from podres_exporter.explain.text import explain_text
from podres_exporter.fit import ask_of
from podres_exporter.podmeta import PodDecoder, decode_list
from podres_exporter.printable import printable

FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class Question:
    """Which pod and containers to explain, and the output format; *namespace* None is any."""

    namespace: str | None
    name: str
    container: str | None
    is_json: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A pod as the API server has it, and the list that contains only it."""

    pod: ListedPod
    body: bytes


def run(arguments: argparse.Namespace) -> int:
    """
    Print the account; return 0 if it is complete, 1 without such a pod or its node, 3 if some nodes do not answer.
    """
    faults = output_fault(arguments.output, FORMATS)
    pod = explained_pod(arguments.pod, arguments.namespace, faults)
    way = make_way(arguments, faults)
    refuse(faults)
    with cluster(way, SystemClock()) as found:
        namespace = pod.namespace or (None if arguments.all_namespaces else found.api.namespace)
        question = Question(namespace, pod.name, arguments.container, arguments.output == "json")
        known = _known(found, question)
        if known is not None and not known.pod.spec.node_name:
            return _pending(found, known, question)
        return _placed(found, known, question)


def _known(found: Cluster, question: Question) -> Known | None:
    """Return the pod from the API server, None if there is none. Raises NotFoundError if there are several."""
    wanted = Pods(question.namespace, fields=f"metadata.name={question.name}")
    body = listed(lambda: found.api.pods_json(wanted), question.namespace)
    pods = read_page(body).items or []
    if len(pods) > 1:
        names = sorted(printable(f"{each.metadata.namespace}/{each.metadata.name}") for each in pods)
        raise NotFoundError(f"pod {printable(question.name)} is in several namespaces; give one", names)
    return Known(pods[0], body) if pods else None


def _placed(found: Cluster, known: Known | None, question: Question) -> int:
    """Explain a pod with the exporter of its node; if the API server does not know it, search all nodes."""
    outcomes = found.ask(frozenset([known.pod.spec.node_name]) if known else None)
    code = named_troubles(outcomes)
    nodes = told(outcomes)
    if not nodes:
        return code
    node = nodes[0] if known else _having(nodes, question)
    namespace = known.pod.metadata.namespace if known else question.namespace
    account = explain(node.snapshot, namespace, question.name, question.container)
    if question.is_json:
        write(json_of(to_dict(account)))
    else:
        write("".join(f"{line}\n" for line in explain_text(account, columns(otherwise=100))))
    return code


def _having(nodes: Sequence[Answered], question: Question) -> Answered:
    """Return the node that has the pod. Raises NotFoundError, naming pods of that name elsewhere."""
    keys = {each.node: known_pods(each.snapshot) for each in nodes}
    for each in nodes:
        if any(name == question.name and question.namespace in {None, space} for space, name in keys[each.node]):
            return each
    elsewhere = sorted({"/".join(key) for known in keys.values() for key in known if key[1] == question.name})
    where = f" in namespace {printable(question.namespace)}" if question.namespace else ""
    problem = f"no pod {printable(question.name)}{where}, neither in the API server nor on any node that answers"
    raise NotFoundError(f"{problem}; there is" if elsewhere else problem, list(map(printable, elsewhere)))


def _pending(found: Cluster, known: Known, question: Question) -> int:
    """Show where a pending pod could be placed."""
    pods = decode_list(known.body, PodDecoder(LabelAllowlist())).pods
    if not pods:
        raise NotFoundError(f"pod {printable(question.name)} cannot be read")
    pending = Pending(pods[0].meta, known.pod.unscheduled)
    outcomes = found.ask()
    code = named_troubles(outcomes)
    nodes = told(outcomes)
    if not nodes:
        return code
    answers = ranked([each.snapshot for each in nodes], ask_of(pending.meta))
    if question.is_json:
        write(json_of(pending_document(pending, answers, troubles(outcomes))))
    else:
        write("".join(f"{line}\n" for line in pending_lines(pending, answers, columns(otherwise=100))))
    return code
