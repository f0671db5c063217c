"""The command line of `kubectl podres`: kubectl's flags, and how to find the exporters."""

import argparse

from podres_exporter import __version__
from podres_exporter.cli.flags.habits import CLUSTER
from podres_exporter.cli.flags.oneshot import add_asked, add_pods_and_format, add_table_flags
from podres_exporter.cli.flags.parser import Parser
from podres_exporter.cli.flags.who import add_who

PROGRAM = "kubectl podres"
SELECTOR = "app.kubernetes.io/name=podres-exporter"
SCHEMES = ("http", "https")

_CODES = "1 failed or nothing found, 2 wrong usage, 3 some nodes are missing (named on standard error)"
_TEXT = "text or json (text)"


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [flags]",
        description=(
            "Shows which pod holds which device, exclusive CPU, memory block and DRA claim in the cluster, by "
            "querying the podres-exporter of each node through the API server."
        ),
        epilog="Needs list on pods, and get on pods/proxy in the exporters' namespace.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    for verb, text, add in (
        ("dump", "show which pod holds what, on all nodes", _add_dump),
        ("explain", "show why a pod got its CPUs, memory and devices, or where it would fit", _add_explain),
        ("fit", "show which nodes would admit a pod with these requests now", _add_fit),
        ("check", "check the health of the exporters and kubelets", _add_check),
    ):
        each = verbs.add_parser(verb, usage=f"{PROGRAM} {verb} [flags]", help=text)
        add(each)
        _add_cluster(each)
        each.runs(f"podres_exporter.cli.kubectl.{verb}", instead=CLUSTER[verb])
    who = verbs.add_parser(
        "who",
        usage=f"{PROGRAM} who DEVICE [flags]",
        help="show who held a device at a given time, from Prometheus data",
    )
    add_who(who, PROGRAM)
    who.runs("podres_exporter.cli.verbs.who", "answered", instead=CLUSTER["who"])
    return parser


def _add_dump(parser: Parser) -> None:
    parser.examples(
        "kubectl podres dump -A",
        "kubectl podres dump -n ml train-0                   one pod",
        "kubectl podres dump --device GPU-7f3c               who holds this device?",
        "kubectl podres dump --free --resource nvidia.com/gpu",
    )
    parser.description = (
        "Print who holds what on all nodes. As with kubectl get, pods are those of the context's namespace unless -n "
        "or -A is given; --free, --nodes and --device cover all namespaces."
    )
    parser.epilog = f"Exit codes: 0 ok, {_CODES}."
    add_pods_and_format(parser)
    _add_namespace(parser)
    what = parser.add_argument_group("what to show", "filters; default: everything")
    add = what.add_argument
    add("-l", "--selector", metavar="LABELS", default="", help="pods with these labels, such as app=train,tier!=web")
    add(
        "--pod",
        metavar="NAME",
        action="append",
        default=[],
        help="pods of this name; * matches anything; repeatable",
    )
    add(
        "--container",
        metavar="NAME",
        action="append",
        default=[],
        help=("containers of this name; * matches anything; repeatable"),
    )
    add(
        "--resource",
        metavar="NAME",
        action="append",
        default=[],
        help=("this resource, such as nvidia.com/gpu or cpu; repeatable"),
    )
    add("--device", metavar="ID", help="holder of this device; a prefix of its id is enough")
    add("--numa-node", metavar="N", action="append", default=[], help="what is held on this NUMA node; repeatable")
    view = parser.add_argument_group("output")
    view.add_argument("--free", action="store_true", help="what is free, by node and NUMA node")
    view.add_argument("--nodes", action="store_true", help="how much each node has, and its state")
    view.add_argument("--all", action="store_true", help="include containers that hold nothing")
    add_table_flags(view)


def _add_explain(parser: Parser) -> None:
    parser.examples(
        "kubectl podres explain train-0 -n ml",
        "kubectl podres explain pod/train-0",
    )
    parser.description = (
        "Explain the placement of a pod: what it requested, what it got, on which NUMA nodes and next to which pods. "
        "For a pending pod: the nodes on which it would fit, best first."
    )
    parser.epilog = f"Exit codes: 0 ok, {_CODES}."
    parser.add_argument("pod", metavar="POD", help="name of the pod, or NAMESPACE/NAME")
    _add_namespace(parser)
    parser.add_argument("-c", "--container", metavar="NAME", help="only this container (all)")
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_fit(parser: Parser) -> None:
    parser.examples(
        "kubectl podres fit --cpus=8 --memory=64Gi --device=nvidia.com/gpu=2 --policy=single-numa-node",
    )
    parser.description = (
        "Check for every node whether it would admit such a pod now, on which NUMA node, and if not, why; best first. "
        "Only a pod with CPUs and memory, with limits equal to requests, gets exclusive CPUs and memory blocks."
    )
    parser.epilog = f"Exit codes: 0 some node says yes, {_CODES}; 1 also means that all nodes say no."
    add_asked(parser)
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_check(parser: Parser) -> None:
    parser.examples(
        "kubectl podres check",
        "kubectl podres check --node node1 -o json",
    )
    parser.description = (
        "Show for each node which exporter runs there, the state of its kubelet, topology and metadata, differences "
        "between kubelet and API server, and which nodes do not answer. Running exporters that are not ready are "
        "queried as well."
    )
    parser.epilog = "Exit codes: 0 all is well, 1 no exporter answers, 2 wrong usage, 3 something is missing on a node."
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_namespace(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--namespace", metavar="NAMESPACE", help="pods of this namespace (the context's)")
    add("-A", "--all-namespaces", action="store_true", help="pods of all namespaces")


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add the cluster and nodes to query."""
    add = parser.add_argument_group(
        "which cluster", "cluster, by default as for kubectl; in a pod its service account"
    ).add_argument
    add("--kubeconfig", metavar="FILE", help="kubeconfig ($KUBECONFIG, else ~/.kube/config)")
    add("--context", metavar="NAME", help="context of the kubeconfig (its current context)")
    add = parser.add_argument_group("nodes and exporters").add_argument
    add("--node", metavar="NAME", action="append", default=[], help="only this node; repeatable (all)")
    add("--exporter-selector", metavar="LABELS", default=SELECTOR, help=f"labels of the exporters' pods ({SELECTOR})")
    add(
        "--exporter-namespace",
        metavar="NAMESPACE",
        help=("namespace of the exporters (that of the DaemonSet that owns them)"),
    )
    add("--exporter-port", metavar="PORT", help="port of the exporters (the container port named metrics, else 10190)")
    add("--exporter-scheme", metavar="SCHEME", default="http", help="http, or https if they serve TLS (http)")
    add("--timeout", metavar="DURATION", default="10s", help="deadline of each request (10s)")
    add("--deadline", metavar="DURATION", default="1m", help="deadline for all nodes together (1m)")
