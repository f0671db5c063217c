"""The commands of `podres-exporter` and their flags; values stay texts here, and config validates them all at once."""

from podres_exporter import __version__
from podres_exporter.cli.flags.habits import NODE
from podres_exporter.cli.flags.oneshot import add_dump, add_explain, add_fit, add_way
from podres_exporter.cli.flags.parser import Parser, add_option, add_switch
from podres_exporter.cli.flags.who import add_who
from podres_exporter.config import OPTIONS
from podres_exporter.families.collectors import COLLECTORS, OFF_BY_DEFAULT

DEMO_DEFAULTS = {
    "--kubelet.poll-interval": "2s",
    "--snapshot.hold-down": "5s",
    "--metadata.pod-labels-allowlist": "pods=[*]",
    "--web.listen-address": "127.0.0.1:10190, else a free port",
    "--log.level": "warning",
    "--log.format": "",
}
"""The flags of `serve` that the demo accepts, with its own defaults (empty: those of `serve`)."""

CHECK_FLAGS = frozenset(
    {"--kubelet.socket", "--kubelet.timeout", "--kubelet.max-message-size", "--node-name", "--topology.sysfs"}
)
CHECK_PREFIXES = ("--metadata.", "--log.")
"""The flags of `serve` that `check` accepts, by name or prefix."""


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="podres-exporter",
        usage="podres-exporter COMMAND [flags]",
        description="Shows which pod holds which device, exclusive CPU, memory block and DRA claim on this node: "
        "the kubelet's pod-resources API for Prometheus.",
        epilog=(
            "Flags override environment variables, which override defaults. Exit codes: 0 ok, 1 failed, 2 wrong "
            "usage, 3 partial. See podres-exporter COMMAND --help for the flags."
        ),
    )
    parser.add_argument("--version", action="version", version=f"podres-exporter {__version__}")
    parser.examples(
        "podres-exporter demo                          try it without a cluster",
        "podres-exporter dump --device GPU-7f3c        who holds this device?",
        "podres-exporter check                         find out what is wrong on this node",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    for verb, add, text in (
        ("serve", _add_serve, "run the exporter: poll the kubelet, serve /metrics and a web page"),
        ("dump", add_dump, "show which pod holds what on this node"),
        ("explain", add_explain, "show why a pod got the NUMA nodes, CPUs and devices that it has"),
        ("fit", add_fit, "check whether this node would admit a pod with these requests now"),
        ("who", _add_who, "show who held a device at a given time, from Prometheus data"),
        ("check", _add_check, "diagnose this node: problems and their remedies"),
        ("demo", _add_demo, "run a simulated node with an exporter; needs no cluster and no root"),
        ("simulate", _add_simulate, "run only the simulated node, to test device plugins and agents"),
        ("metrics", _add_metrics, "print the catalogue of metric families"),
        ("completion", _add_completion, "print a shell completion script for bash, zsh or fish"),
    ):
        each = verbs.add_parser(verb, usage=f"podres-exporter {verb} [flags]", help=text)
        add(each)
    return parser


def _add_who(parser: Parser) -> None:
    """Add the flags of `who`."""
    add_who(parser)
    parser.runs("podres_exporter.cli.verbs.who", instead=NODE["who"])


def _add_completion(parser: Parser) -> None:
    """Add the argument of `completion`."""
    parser.description = "Print a shell script that completes commands, flags and formats."
    parser.examples("podres-exporter completion bash > /etc/bash_completion.d/podres-exporter")
    parser.add_argument("shell", metavar="SHELL", help="bash, zsh or fish")
    parser.runs("podres_exporter.cli.flags.completion")


def _add_metrics(parser: Parser) -> None:
    """Add the flags of `metrics`."""
    parser.description = "Print every metric family with its type, labels, collector and help."
    parser.examples("podres-exporter metrics", "podres-exporter metrics -o json | jq '.[].name'")
    parser.add_argument("-o", "--output", default="table", metavar="FORMAT", help="table, markdown or json (table)")
    parser.runs("podres_exporter.cli.verbs.metrics", instead=NODE["metrics"])


def _add_serve(parser: Parser) -> None:
    """Add the flags of `serve`."""
    parser.examples(
        "podres-exporter serve --node-name=node1",
        "podres-exporter serve --metadata.source=none --web.listen-address=127.0.0.1:10190",
        "podres-exporter serve --metadata.pod-labels-allowlist='pods=[app,team]' --no-collector.pods",
    )
    parser.description = "Poll the kubelet at intervals and serve the results to Prometheus."
    parser.epilog = "Each flag can also be set by the environment variable shown."
    for option in OPTIONS:
        add_option(parser, option, f"default {option.default or option.otherwise}; {option.environment}")
    switches = parser.add_argument_group("what to show", "collectors, all on unless noted")
    for name, shows in COLLECTORS.items():
        note = ", off by default" if name in OFF_BY_DEFAULT else ""
        add_switch(switches, f"--collector.{name}", f"{shows}{note}")
    add_switch(switches, "--metrics.node-label", "label node on the allocation metrics")
    parser.runs("podres_exporter.cli.serve.command", instead=NODE["serve"])


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
        "findings with remedies. Use the same flags as for serve. Nothing is changed. With --url, a running exporter "
        "adds what it has observed over time; with --from, a recording or a snapshot is checked."
    )
    parser.epilog = (
        "Each flag can also be set by the environment variable shown. "
        "Exit codes: 0 all is well, 1 something failed, 2 wrong usage, 3 warnings only."
    )
    for option in OPTIONS:
        if option.flag in CHECK_FLAGS or option.flag.startswith(CHECK_PREFIXES):
            add_option(parser, option, f"default {option.default or option.otherwise}; {option.environment}")
    add_way(parser)
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text or json (text)")
    parser.add_argument("--warnings-ok", action="store_true", help="exit 0 if there are only warnings")
    parser.add_argument(
        "--hash-names",
        action="store_true",
        help="hide names of pods, namespaces, nodes, servers and devices, and every text that may contain one",
    )
    parser.runs("podres_exporter.cli.verbs.check", instead=NODE["check"])


def _add_demo(parser: Parser) -> None:
    """Add the flags of `demo`."""
    parser.examples(
        "podres-exporter demo",
        "podres-exporter demo --scenario=node.yaml --web.listen-address=127.0.0.1:8080",
    )
    parser.description = (
        "Simulate a node with GPUs, VFs, pinned CPUs, huge pages and a DRA claim, whose pods come and go, and serve "
        "its metrics. Nothing outside a temporary directory is touched."
    )
    for option in OPTIONS:
        if option.flag in DEMO_DEFAULTS:
            add_option(parser, option, f"default {DEMO_DEFAULTS[option.flag] or option.default or option.otherwise}")
    parser.add_argument("--scenario", metavar="FILE", help="scenario file of another node, as YAML or JSON")
    parser.runs("podres_exporter.cli.sim.demo")


def _add_simulate(parser: Parser) -> None:
    """Add the flags of `simulate` and of `simulate plugin`."""
    parser.examples(
        "podres-exporter simulate --directory=/tmp/node",
        "podres-exporter simulate plugin --resource=example.com/gpu --devices=gpus.yaml",
    )
    parser.description = (
        "Simulate a kubelet for device plugins and monitoring agents: Device Manager, CPU, Memory and Topology "
        "Manager, the pod-resources API, and an API server with the node's pods. Commands on standard input change it "
        "while it runs; type help for a list."
    )
    add = parser.add_argument
    add("--scenario", metavar="FILE", help="scenario file of the node, as YAML or JSON (the demo's scenario)")
    add("--directory", metavar="DIRECTORY", help="directory for the sockets and /sys (a temporary directory)")
    add("--release", metavar="RELEASE", help="the kubelet's release, 1.20 to 1.37 (the scenario's)")
    address = "listen address of the API server (127.0.0.1, on a free port)"
    add("--api.listen-address", dest="api_listen_address", metavar="HOST:PORT", default="127.0.0.1:0", help=address)
    add("--seed", metavar="N", help="draw the kubelet's choices by this number, or `sorted` (a new one, printed)")
    plugin = parser.add_subparsers(dest="part", metavar="plugin", title="one part").add_parser(
        "plugin",
        help="run a sample device plugin, for this kubelet or a real one",
    )
    plugin.examples(
        "podres-exporter simulate plugin --resource=example.com/gpu --devices=gpus.yaml",
        "podres-exporter simulate plugin --resource=x.io/nic --devices=nics.yaml --directory=/tmp/node/device-plugins",
    )
    plugin.description = (
        "Serve simulated devices and register them with a kubelet, again whenever it restarts. The file contains "
        "`devices:`, a list of {id: gpu-0, numa_nodes: [0], healthy: true}; it is re-read when it changes."
    )
    plugin.add_argument("--resource", metavar="NAME", help="the extended resource, such as example.com/gpu")
    plugin.add_argument("--devices", metavar="FILE", help="file with the devices, as YAML or JSON")
    plugin.add_argument(
        "--directory",
        metavar="DIRECTORY",
        default="/var/lib/kubelet/device-plugins",
        help="directory of kubelet.sock (/var/lib/kubelet/device-plugins)",
    )
    parser.runs("podres_exporter.cli.sim.simulate")
    plugin.runs("podres_exporter.cli.sim.plugin")
