"""The commands of `podres-exporter` with their flags; values are texts here, and config checks all of them at once."""

from podres_exporter import __version__
from podres_exporter.cli.flags.oneshot import add_dump, add_explain, add_fit, add_way
from podres_exporter.cli.flags.parser import Parser, add_option, add_switch
from podres_exporter.cli.flags.who import add_who
from podres_exporter.config import OPTIONS
from podres_exporter.families import COLLECTORS, OFF_BY_DEFAULT

DEMO_DEFAULTS = {
    "--kubelet.poll-interval": "2s",
    "--snapshot.hold-down": "5s",
    "--metadata.pod-labels-allowlist": "pods=[*]",
    "--web.listen-address": "127.0.0.1:10190, else a free port",
    "--log.level": "warning",
    "--log.format": "",
}
"""The flags of `serve` that the demo takes, with defaults of its own (empty: those of `serve`)."""

CHECK_FLAGS = frozenset(
    {"--kubelet.socket", "--kubelet.timeout", "--kubelet.max-message-size", "--node-name", "--topology.sysfs"}
)
CHECK_PREFIXES = ("--metadata.", "--log.")
"""The flags of `serve` that `check` takes, by name or by how they begin."""


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="podres-exporter",
        usage="podres-exporter COMMAND [flags]",
        description="Shows which pod holds which device, exclusive CPU, memory block and DRA claim on this node: "
        "the kubelet's pod-resources API for Prometheus.",
        epilog="Flags take precedence over the environment, the environment over defaults. "
        "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 partial. podres-exporter COMMAND --help has the flags.",
    )
    parser.add_argument("--version", action="version", version=f"podres-exporter {__version__}")
    parser.examples(
        "podres-exporter demo                          try it without a cluster",
        "podres-exporter dump --device GPU-7f3c        who holds this device?",
        "podres-exporter check                         find out what is wrong on this node",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    for verb, add, text in (
        ("serve", _add_serve, "run the exporter: ask the kubelet, serve /metrics and a web page"),
        ("dump", add_dump, "show which pod holds what on this node"),
        ("explain", add_explain, "show why a pod got the NUMA nodes, CPUs and devices that it has"),
        ("fit", add_fit, "would this node admit a pod with these requests now?"),
        ("who", _add_who, "who held a device at a moment, by what Prometheus has"),
        ("check", _add_check, "diagnose this node: what is wrong, and the remedy"),
        ("demo", _add_demo, "run a simulated node with the exporter in front of it; needs nothing"),
        ("simulate", _add_simulate, "run the simulated node alone, to test device plugins and agents"),
        ("metrics", _add_metrics, "print the catalogue of metric families"),
        ("completion", _add_completion, "print the script that completes commands in bash, zsh or fish"),
    ):
        each = verbs.add_parser(verb, usage=f"podres-exporter {verb} [flags]", help=text)
        add(each)
    return parser


def _add_who(parser: Parser) -> None:
    """Add the flags of `who`."""
    add_who(parser)
    parser.runs("podres_exporter.cli.verbs.who")


def _add_completion(parser: Parser) -> None:
    """Add the argument of `completion`."""
    parser.description = "Print a script for your shell that completes commands, flags and formats."
    parser.examples("podres-exporter completion bash > /etc/bash_completion.d/podres-exporter")
    parser.add_argument("shell", metavar="SHELL", help="bash, zsh or fish")
    parser.runs("podres_exporter.cli.flags.completion")


def _add_metrics(parser: Parser) -> None:
    """Add the flags of `metrics`."""
    parser.description = "Print every metric family with its type, labels, collector and help."
    parser.examples("podres-exporter metrics", "podres-exporter metrics -o json | jq '.[].name'")
    parser.add_argument("-o", "--output", default="table", metavar="FORMAT", help="table, markdown or json (table)")
    parser.runs("podres_exporter.cli.verbs.metrics")


def _add_serve(parser: Parser) -> None:
    """Add the flags of `serve`."""
    parser.examples(
        "podres-exporter serve --node-name=node1",
        "podres-exporter serve --metadata.source=none --web.listen-address=127.0.0.1:10190",
        "podres-exporter serve --metadata.pod-labels-allowlist='pods=[app,team]' --no-collector.pods",
    )
    parser.description = "Ask the kubelet at intervals and serve what it says to Prometheus."
    parser.epilog = "Each flag has a twin in the environment, named beside it."
    for option in OPTIONS:
        add_option(parser, option, f"default {option.default or option.otherwise}; {option.environment}")
    switches = parser.add_argument_group("what to show", "all on unless said otherwise")
    for name, shows in COLLECTORS.items():
        note = ", off unless asked for" if name in OFF_BY_DEFAULT else ""
        add_switch(switches, f"--collector.{name}", f"{shows}{note}")
    add_switch(switches, "--metrics.node-label", "label node on the metrics of the allocation")
    parser.runs("podres_exporter.cli.serve.command")


def _add_check(parser: Parser) -> None:
    """Add the flags of `check`."""
    parser.examples(
        "podres-exporter check --node-name=node1",
        "podres-exporter check --metadata.source=none -o json",
        "podres-exporter check --url=localhost:10190              a running exporter",
        "podres-exporter check --from=node1.json.gz               a recording of somebody else's node",
    )
    parser.description = (
        "Examine the kubelet's socket, its RPCs, the machine, the API server and the permissions there, and report "
        "what was found and the remedy. Give it the flags that serve runs with. It changes nothing. With --url a "
        "running exporter says what only time has shown it; with --from a recording or a snapshot is judged."
    )
    parser.epilog = (
        "Each flag has a twin in the environment, named beside it. "
        "Exit codes: 0 all is well, 1 something failed, 2 wrong usage, 3 warnings only."
    )
    for option in OPTIONS:
        if option.flag in CHECK_FLAGS or option.flag.startswith(CHECK_PREFIXES):
            add_option(parser, option, f"default {option.default or option.otherwise}; {option.environment}")
    add_way(parser)
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text or json (text)")
    parser.add_argument(
        "--warnings-ok", action="store_true", help="exit 0 where there are mere warnings, as for a test"
    )
    parser.add_argument(
        "--hash-names",
        action="store_true",
        help="hide names of pods, namespaces, nodes, servers and devices, and every text that may hold one",
    )
    parser.runs("podres_exporter.cli.verbs.check")


def _add_demo(parser: Parser) -> None:
    """Add the flags of `demo`."""
    parser.examples(
        "podres-exporter demo",
        "podres-exporter demo --scenario=node.yaml --web.listen-address=127.0.0.1:8080",
    )
    parser.description = (
        "Play a node with GPUs, VFs, pinned CPUs, huge pages and a DRA claim, whose pods come and go, "
        "and serve its metrics. Nothing outside a temporary directory is touched."
    )
    for option in OPTIONS:
        if option.flag in DEMO_DEFAULTS:
            add_option(parser, option, f"default {DEMO_DEFAULTS[option.flag] or option.default or option.otherwise}")
    parser.add_argument("--scenario", metavar="FILE", help="another node to play, as YAML or JSON")
    parser.runs("podres_exporter.cli.sim.demo")


def _add_simulate(parser: Parser) -> None:
    """Add the flags of `simulate` and of `simulate plugin`."""
    parser.examples(
        "podres-exporter simulate --directory=/tmp/node",
        "podres-exporter simulate plugin --resource=example.com/gpu --devices=gpus.yaml",
    )
    parser.description = (
        "Play a kubelet that device plugins register with and monitoring agents ask: Device Manager, CPU, memory and "
        "Topology Manager, the pod-resources API, and an API server with the node's pods. "
        "While it runs, lines on standard input change it; the line help says how."
    )
    add = parser.add_argument
    add("--scenario", metavar="FILE", help="the node to play, as YAML or JSON (the story of the demo)")
    add("--directory", metavar="DIRECTORY", help="where sockets and /sys go (a temporary directory)")
    add("--release", metavar="RELEASE", help="the kubelet's release, 1.20 to 1.37 (the scenario's)")
    address = "where the API server listens (127.0.0.1, on a free port)"
    add("--api.listen-address", dest="api_listen_address", metavar="HOST:PORT", default="127.0.0.1:0", help=address)
    plugin = parser.add_subparsers(dest="part", metavar="plugin", title="a part of it").add_parser(
        "plugin",
        help="a sample device plugin, for this kubelet or a real one",
    )
    plugin.description = (
        "Serve devices that do not exist and register them with a kubelet, again whenever it restarts. "
        "The file has `devices:`, a list of {id: gpu-0, numa_nodes: [0], healthy: true}; "
        "it is read again when it changes."
    )
    plugin.add_argument("--resource", metavar="NAME", help="the extended resource, such as example.com/gpu")
    plugin.add_argument("--devices", metavar="FILE", help="the file with the devices, as YAML or JSON")
    plugin.add_argument(
        "--directory",
        metavar="DIRECTORY",
        default="/var/lib/kubelet/device-plugins",
        help="where kubelet.sock is (/var/lib/kubelet/device-plugins)",
    )
    parser.runs("podres_exporter.cli.sim.simulate")
    plugin.runs("podres_exporter.cli.sim.plugin")
