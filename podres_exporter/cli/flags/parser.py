"""Verbs and flags to argparse; values are texts here and are checked, all of them, by config."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from podres_exporter import __version__
from podres_exporter.cli.flags.oneshot import add_dump, add_explain, add_fit
from podres_exporter.cli.flags.options import add_option, add_switch
from podres_exporter.config import OPTIONS, option_name
from podres_exporter.errors import ConfigError
from podres_exporter.families import COLLECTORS, OFF_BY_DEFAULT

DEMO_DEFAULTS = {
    "--kubelet.poll-interval": "2s",
    "--snapshot.hold-down": "5s",
    "--metadata.pod-labels-allowlist": "pods=[*]",
    "--web.listen-address": "127.0.0.1:10190, else a free port",
    "--log.level": "",
    "--log.format": "",
}
"""The flags of `serve` that the demo takes, with defaults of its own (empty: those of `serve`)."""

CHECK_FLAGS = frozenset(
    {"--kubelet.socket", "--kubelet.timeout", "--kubelet.max-message-size", "--node-name", "--topology.sysfs"}
)
CHECK_PREFIXES = ("--metadata.", "--log.")
"""The flags of `serve` that `check` takes, by name or by how they begin."""


class Parser(argparse.ArgumentParser):
    """Raises ConfigError where argparse would exit, so that there is one way out."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has to say."""
        raise ConfigError([message])

    def runs(self, module: str) -> None:
        """Say which module runs the verb; all its flags have been added."""
        self.set_defaults(module=module, flags=tuple(self._option_string_actions))


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="podres-exporter",
        description="Who holds which device, exclusive CPU, memory block and DRA claim on this node: "
        "the kubelet's pod-resources API for Prometheus.",
        epilog="Flags come before the environment, the environment before defaults. "
        "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 partial.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"podres-exporter {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    _add_serve(verbs.add_parser("serve", help="the daemon: ask the kubelet, serve /metrics", allow_abbrev=False))
    for verb, add, text in (
        ("dump", add_dump, "what this node holds now, and who has it"),
        ("explain", add_explain, "why a pod sits where it sits"),
        ("fit", add_fit, "would this node admit such a pod now"),
    ):
        look = verbs.add_parser(verb, help=text, allow_abbrev=False)
        add(look)
        look.runs(f"podres_exporter.cli.verbs.{verb}")
    _add_check(
        verbs.add_parser("check", help="find out what is wrong on this node, and the remedy", allow_abbrev=False)
    )
    _add_demo(
        verbs.add_parser(
            "demo", help="a simulated node with the exporter in front of it; needs nothing", allow_abbrev=False
        )
    )
    _add_simulate(
        verbs.add_parser(
            "simulate", help="the simulated node alone, for writers of plugins and agents", allow_abbrev=False
        )
    )
    metrics = verbs.add_parser("metrics", help="print every metric family that there is", allow_abbrev=False)
    metrics.add_argument("-o", "--output", default="table", metavar="FORMAT", help="table, markdown or json (table)")
    metrics.runs("podres_exporter.cli.verbs.metrics")
    return parser


def _add_serve(parser: Parser) -> None:
    """Add the flags of `serve`."""
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
    parser.description = (
        "Look once at the kubelet's socket, its calls, the machine, the API server and our rights there, and say of "
        "each what was seen and what would mend it. Give it the flags that serve runs with. It changes nothing."
    )
    parser.epilog = (
        "Each flag has a twin in the environment, named beside it. "
        "Exit codes: 0 all is well, 1 something failed, 2 wrong usage, 3 warnings only."
    )
    for option in OPTIONS:
        if option.flag in CHECK_FLAGS or option.flag.startswith(CHECK_PREFIXES):
            add_option(parser, option, f"default {option.default or option.otherwise}; {option.environment}")
    parser.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text or json (text)")
    parser.add_argument(
        "--hash-names",
        action="store_true",
        help="hide names of pods, namespaces, nodes, servers and devices, and every text that may hold one",
    )
    parser.add_argument(
        "--warnings-ok", action="store_true", help="exit 0 where there are mere warnings, as for a test"
    )
    parser.runs("podres_exporter.cli.verbs.check")


def _add_demo(parser: Parser) -> None:
    """Add the flags of `demo`."""
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
        "plugin", help="a sample device plugin, for this kubelet or a real one", allow_abbrev=False
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


def with_values(argv: Sequence[str]) -> list[str]:
    """
    Return the arguments with an empty value for each option that was given none.

    argparse would stop at the first of them; empty, it is refused by config together with all other faults.
    """
    flags = {option.flag for option in OPTIONS}
    following = [*argv, "--"][1:]
    return [
        f"{argument}=" if argument in flags and after.startswith("--") else argument
        for argument, after in zip(argv, following, strict=True)
    ]


def given_flags(arguments: argparse.Namespace) -> dict[str, str | bool | list[str]]:
    """Return what was given, by flag."""
    flags = (
        [option.flag for option in OPTIONS] + [f"--collector.{name}" for name in COLLECTORS] + ["--metrics.node-label"]
    )
    kept = vars(arguments)
    return {flag: kept[option_name(flag)] for flag in flags if option_name(flag) in kept}


def unknown_arguments(arguments: argparse.Namespace, extras: Sequence[str]) -> list[str]:
    """Return a sentence per argument that nobody knows; what follows an unknown flag is taken for its value."""
    verb = arguments.verb
    problems = []
    for before, argument in zip(["", *extras], extras, strict=False):
        if argument.startswith("-"):
            name = argument.partition("=")[0]
            from difflib import get_close_matches  # noqa: PLC0415 - for those who mistype, not for the daemon

            near = get_close_matches(name, arguments.flags, 1)
            problems.append(f"{verb} has no flag {name}{f'; did you mean {near[0]}?' if near else ''}")
        elif not before.startswith("-") or "=" in before:
            problems.append(f"{verb} takes no argument {argument!r}")
    return problems
