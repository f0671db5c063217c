"""The command line of `kubectl podres`: kubectl's flags, and how the exporters are found."""

import argparse

from podres_exporter import __version__
from podres_exporter.cli.flags.oneshot import GPU_FLAGS, add_asked, add_pods_and_format, add_table_flags
from podres_exporter.cli.flags.parser import Parser
from podres_exporter.cli.flags.who import add_who

PROGRAM = "kubectl podres"
SELECTOR = "app.kubernetes.io/name=podres-exporter"
SCHEMES = ("http", "https")

_CODES = "1 failed or nothing was found, 2 wrong usage, 3 some nodes are missing (each is named on standard error)"
_TEXT = "text or json (text)"


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [flags]",
        description="Who holds which device, exclusive CPU, memory block and DRA claim in the cluster: asks the "
        "podres-exporter of each node through the API server.",
        epilog="It needs list on pods, and get on pods/proxy in the exporters' namespace.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    for verb, text, add in (
        ("dump", "what the nodes hold now, and who has it", _add_dump),
        ("explain", "why a pod has the CPUs, memory and devices it has, or where it could go", _add_explain),
        ("fit", "which nodes would admit such a pod now", _add_fit),
        ("check", "how the exporters and their kubelets are", _add_check),
    ):
        each = verbs.add_parser(verb, usage=f"{PROGRAM} {verb} [flags]", help=text)
        add(each)
        _add_cluster(each)
        each.runs(f"podres_exporter.cli.kubectl.{verb}", instead=GPU_FLAGS if verb == "fit" else None)
    who = verbs.add_parser(
        "who", usage=f"{PROGRAM} who DEVICE [flags]", help="who held a device at a moment, by what Prometheus has"
    )
    add_who(who, PROGRAM)
    who.runs("podres_exporter.cli.kubectl.who")
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
        "or -A says otherwise; --free, --nodes and --device are about nodes, and look at all namespaces."
    )
    parser.epilog = f"Exit codes: 0 ok, {_CODES}."
    add_pods_and_format(parser)
    _add_namespace(parser)
    what = parser.add_argument_group("what to show", "without any, everything")
    add = what.add_argument
    add("-l", "--selector", metavar="LABELS", default="", help="pods with these labels, such as app=train,tier!=web")
    add(
        "--pod",
        metavar="NAME",
        action="append",
        default=[],
        help="pods of this name; * stands for anything; repeatable",
    )
    add("--container", metavar="NAME", action="append", default=[], help="containers of this name; as above")
    add("--resource", metavar="NAME", action="append", default=[], help="such as nvidia.com/gpu or cpu; repeatable")
    add("--device", metavar="ID", help="who has this device? the beginning of its id does")
    add("--numa-node", metavar="N", action="append", default=[], help="what sits on this NUMA node; repeatable")
    view = parser.add_argument_group("how to look at it")
    view.add_argument("--free", action="store_true", help="what is left, by node and NUMA node")
    view.add_argument("--nodes", action="store_true", help="how much each node has, and its state")
    view.add_argument("--all", action="store_true", help="containers that hold nothing, too")
    add_table_flags(view)


def _add_explain(parser: Parser) -> None:
    parser.examples(
        "kubectl podres explain train-0 -n ml",
        "kubectl podres explain pod/train-0",
    )
    parser.description = (
        "Explain the placement of a pod: what it requested, what it got, on which NUMA nodes and next to which pods. "
        "For a pending pod: which nodes it would fit, best first."
    )
    parser.epilog = f"Exit codes: 0 ok, {_CODES}."
    parser.add_argument("pod", metavar="POD", help="its name, or NAMESPACE/NAME")
    _add_namespace(parser)
    parser.add_argument("-c", "--container", metavar="NAME", help="this container alone (all)")
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_fit(parser: Parser) -> None:
    parser.examples(
        "kubectl podres fit --cpus=8 --memory=64Gi --device=nvidia.com/gpu=2 --policy=single-numa-node",
    )
    parser.description = (
        "Ask every node whether it would admit such a pod now, on which NUMA node, and if not, what is in the way; "
        "best first. Only a pod with CPUs and memory, limits equal to requests, gets exclusive CPUs and memory blocks."
    )
    parser.epilog = f"Exit codes: 0 some node says yes, {_CODES}; 1 is also that all nodes say no."
    add_asked(parser)
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_check(parser: Parser) -> None:
    parser.examples(
        "kubectl podres check",
        "kubectl podres check --node node1 -o json",
    )
    parser.description = (
        "Say of each node which exporter runs there, how its kubelet, topology and metadata are, where kubelet and API "
        "server disagree, and which nodes cannot be heard. Exporters that run and are not ready are asked as well."
    )
    parser.epilog = "Exit codes: 0 all is well, 1 no exporter answers, 2 wrong usage, 3 something is missing on a node."
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help=_TEXT)


def _add_namespace(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--namespace", metavar="NAMESPACE", help="pods of this namespace (the context's)")
    add("-A", "--all-namespaces", action="store_true", help="pods of all namespaces")


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add which cluster and which nodes are asked, and how."""
    add = parser.add_argument_group("which cluster", "as kubectl finds it; in a pod its service account").add_argument
    add("--kubeconfig", metavar="FILE", help="kubeconfig ($KUBECONFIG, else ~/.kube/config)")
    add("--context", metavar="NAME", help="context of the kubeconfig (its current one)")
    add = parser.add_argument_group("which nodes, and how").add_argument
    add("--node", metavar="NAME", action="append", default=[], help="this node alone; repeatable (all)")
    add("--exporter-selector", metavar="LABELS", default=SELECTOR, help=f"labels of the exporters' pods ({SELECTOR})")
    add("--exporter-namespace", metavar="NAMESPACE", help="their namespace (that of the DaemonSet that owns them)")
    add("--exporter-port", metavar="PORT", help="their port (the container port named metrics, else 10190)")
    add("--exporter-scheme", metavar="SCHEME", default="http", help="http, or https where they serve TLS (http)")
    add("--timeout", metavar="DURATION", default="10s", help="deadline of each request (10s)")
    add("--deadline", metavar="DURATION", default="1m", help="deadline of all nodes together (1m)")
