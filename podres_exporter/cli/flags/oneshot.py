"""The flags of the one-shot commands `dump`, `explain` and `fit`."""

import argparse

from podres_exporter.cli.flags.habits import NODE
from podres_exporter.cli.flags.parser import Parser, add_option
from podres_exporter.config import OPTIONS

_LIVE = frozenset(
    {"--kubelet.socket", "--kubelet.timeout", "--kubelet.max-message-size", "--node-name", "--topology.sysfs"}
)
_LIVE_PREFIXES = ("--metadata.", "--log.")
_WATCH = frozenset({"--kubelet.poll-interval", "--snapshot.max-age", "--snapshot.hold-down"})
_DEFAULTS = {"--log.level": "error"}

EPILOG = (
    "Flags of serve can also be set by the environment variables shown. Without credentials for the API server, the "
    "node is shown without metadata. The kubelet's pods are listed once, after up to 10 s if a pod may be in "
    "admission, because a List can disturb that; --url queries a running exporter instead. "
)


def add_dump(parser: Parser) -> None:
    """Add the flags of `dump`."""
    parser.examples(
        "podres-exporter dump",
        "podres-exporter dump ml/train-0                          one pod",
        "podres-exporter dump --device GPU-7f3c                   who holds this device?",
        "podres-exporter dump --free                              what is left, by NUMA node",
        "podres-exporter dump --url=node1:10190 -o json | jq '.pods[].name'",
        "podres-exporter dump --watch",
    )
    parser.description = (
        "Print who holds which device, exclusive CPU, memory block and DRA claim, and on which NUMA node: from this "
        "node, with --url from a running exporter, or with --from from a file."
    )
    parser.epilog = f"{EPILOG}Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 partial, for example without metadata."
    add_pods_and_format(parser)
    _add_what(parser.add_argument_group("what to show", "each may be given several times; without any, everything"))
    _add_view(parser.add_argument_group("how to look at it"))
    group = add_way(parser)
    group.add_argument(
        "--record",
        metavar="FILE",
        help=(
            "save the node's raw answers for a bug report, compressed if FILE ends in .gz; - writes to standard "
            "output, without a table; read it with --from"
        ),
    )
    group.add_argument(
        "--hash-names",
        action="store_true",
        help="hide names of pods, namespaces, nodes, containers, claims and devices in the recording",
    )
    _add_live(parser, watch=True)
    parser.runs("podres_exporter.cli.verbs.dump", instead=NODE["dump"])


def add_explain(parser: Parser) -> None:
    """Add the flags of `explain`."""
    parser.examples(
        "podres-exporter explain ml/train-0",
        "podres-exporter explain pod/train-0 -n ml -c trainer",
        "podres-exporter explain train-0 --url=node1:10190",
    )
    parser.description = (
        "Explain the placement of a pod: what it requested, what it got, on which NUMA nodes and next to which pods; "
        "for a pod that the kubelet rejected, what was missing."
    )
    parser.epilog = (
        f"{EPILOG}Exit codes: 0 ok, 1 failed or no such pod, 2 wrong usage, 3 partial, for example without metadata."
    )
    parser.add_argument("pod", metavar="POD", help="name of the pod, or NAMESPACE/NAME")
    parser.add_argument("-n", "--namespace", metavar="NAMESPACE", help="namespace of the pod (any)")
    parser.add_argument("-c", "--container", metavar="NAME", help="only this container (all)")
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text or json (text)")
    add_way(parser)
    _add_live(parser)
    parser.runs("podres_exporter.cli.verbs.explain", instead=NODE["explain"])


def add_fit(parser: Parser) -> None:
    """Add the flags of `fit`."""
    parser.examples(
        "podres-exporter fit --cpus=4 --memory=16Gi",
        "podres-exporter fit --cpus=8 --memory=64Gi --device=nvidia.com/gpu=2 --policy=single-numa-node",
    )
    parser.description = (
        "Check whether this node would admit such a pod now, on which NUMA node, and if not, why. Only a pod with "
        "CPUs and memory, with limits equal to requests, gets exclusive CPUs and memory blocks."
    )
    parser.epilog = (
        f"{EPILOG}Exit codes: 0 yes, 1 no, 2 wrong usage, 3 unknown: it depends on the policy, or data is missing."
    )
    add_asked(parser)
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text or json (text)")
    add_way(parser)
    _add_live(parser)
    parser.runs("podres_exporter.cli.verbs.fit", instead=NODE["fit"])


def add_asked(parser: Parser) -> None:
    """Add the requests of the pod of `fit`, and the kubelet's settings."""
    asked = parser.add_argument_group("requests of the pod")
    add = asked.add_argument
    add("--cpus", metavar="N", help="CPUs, such as 4 or 500m")
    add("--memory", metavar="SIZE", help="memory, such as 16Gi")
    add("--hugepages", metavar="PAGE=SIZE", action="append", default=[], help="huge pages, such as 2Mi=1Gi; repeatable")
    add(
        "--device",
        metavar="RESOURCE=N",
        action="append",
        default=[],
        help="devices, such as nvidia.com/gpu=2, or of a DRA driver gpu.example.com=2; repeatable",
    )
    policies = "none, best-effort, restricted or single-numa-node (all of them)"
    parser.add_argument("--policy", metavar="POLICY", help=f"the kubelet's Topology Manager policy: {policies}")
    parser.add_argument("--scope", metavar="SCOPE", default="container", help="its scope: container or pod (container)")
    parser.add_argument(
        "--full-pcpus-only",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the CPU manager allocates whole cores only (unknown, unless a pod was rejected with SMTAlignmentError)",
    )
    parser.add_argument(
        "--allocatable",
        metavar="RESOURCE=N",
        action="append",
        default=[],
        help="the node's allocatable cpu, memory or pods as `kubectl describe node` shows them, such as cpu=7500m; "
        "repeatable (derived from the kubelet's answers and rejections)",
    )


def _add_what(group: argparse._ArgumentGroup) -> None:
    """Add the filters of `dump`."""
    add = group.add_argument
    add("-n", "--namespace", metavar="NAMESPACE", action="append", default=[], help="pods of this namespace (all)")
    add("-A", "--all-namespaces", action="store_true", help="pods of all namespaces, as without -n")
    add("--pod", metavar="NAME", action="append", default=[], help="pods of this name; * matches anything")
    add("--container", metavar="NAME", action="append", default=[], help="containers of this name; * matches anything")
    add("--resource", metavar="NAME", action="append", default=[], help="this resource, such as nvidia.com/gpu or cpu")
    add("--device", metavar="ID", help="holder of this device; a prefix of its id is enough; not repeatable")
    add("--numa-node", metavar="N", action="append", default=[], help="what is held on this NUMA node")


def add_pods_and_format(parser: Parser) -> None:
    """Add the pods and formats of `dump`."""
    parser.add_argument("pods", metavar="POD", nargs="*", help="this pod: NAME, NAMESPACE/NAME or pod/NAME (all)")
    formats = "table, wide, json, yaml, prom, csv or name (table)"
    parser.add_argument("-o", "--output", default="table", metavar="FORMAT", help=formats)


def add_table_flags(group: argparse._ArgumentGroup) -> None:
    """Add how tables are printed."""
    group.add_argument("--no-headers", action="store_true", help="omit the header of tables")
    group.add_argument("--sort-by", metavar="COLUMN", default="", help="sort the table by this column, such as NUMA")


def _add_view(group: argparse._ArgumentGroup) -> None:
    """Add what is shown instead of, or in addition to, holders."""
    add = group.add_argument
    add("--free", action="store_true", help="what is free, by NUMA node")
    add("--nodes", action="store_true", help="how much of each resource is allocatable, held and free, and node state")
    add("--all", action="store_true", help="include containers that hold nothing")
    add("-w", "--watch", action="store_true", help="print what changes, line by line, until Ctrl-C")
    add_table_flags(group)


def add_way(parser: Parser) -> argparse._ArgumentGroup:
    """Add the source of the snapshot."""
    group = parser.add_argument_group("where from", "source, by default this node")
    group.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        help="file with a recording, or a snapshot from dump -o json; - reads standard input",
    )
    add_exporter(group)
    return group


def add_exporter(group: argparse._ArgumentGroup) -> None:
    """Add the running exporter to query, with TLS settings and password."""
    group.add_argument("--url", metavar="URL", help="URL of a running exporter: http://[USER@]HOST:10190")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="file with the password of the URL's user; a password in the URL would be visible in the process list",
    )
    group.add_argument("--url-ca", metavar="FILE", help="CA that signed the certificate of an https URL, as PEM")
    group.add_argument(
        "--url-cert", metavar="FILE", help=("client certificate for an exporter that requires one, as PEM")
    )
    group.add_argument("--url-key", metavar="FILE", help="key of the client certificate, if not in the same file")
    group.add_argument("--insecure", action="store_true", help="do not verify the certificate of an https URL")


def _add_live(parser: Parser, *, watch: bool = False) -> None:
    """Add the flags of `serve` that define how the node is queried."""
    group = parser.add_argument_group("querying this node", "as for serve")
    for option in OPTIONS:
        is_watch = option.flag in _WATCH
        if option.flag in _LIVE or option.flag.startswith(_LIVE_PREFIXES) or (watch and is_watch):
            note = f"default {_DEFAULTS.get(option.flag) or option.default or option.otherwise}; {option.environment}"
            add_option(group, option, f"with --watch; {note}" if is_watch else note)
