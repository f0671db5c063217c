"""Resolve where a one-shot command reads its snapshot from: node, file or exporter."""

import argparse
import socket
from collections.abc import Mapping, Sequence

from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.cli.look.credentials import tls_of, with_password
from podres_exporter.cli.look.origin import Keep, SnapshotOrigin
from podres_exporter.clock import Clock
from podres_exporter.config import Config, build_config
from podres_exporter.config import options as known
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.remote.address import Address, ClientTls, parse_address

_LOG = (known.LOG_LEVEL, known.LOG_FORMAT)
_NO_LIMIT = "24h"
_ALLOWED = {"--from": ("--log.",), "--url": ("--log.", "--kubelet.poll-interval", "--kubelet.timeout")}
"""Prefixes of `serve` flags that can be combined with --from or --url."""


def origin_of(
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
    clock: Clock,
    problems: Sequence[str],
    keep: Keep | None = None,
) -> SnapshotOrigin:
    """
    Return the origin selected by flags and environment. *keep* records the raw answers if a node is read.

    Raises ConfigError with *problems* and everything else that is wrong with the flags.
    """
    faults, given = list(problems), given_flags(arguments)
    address = _address(arguments, faults)
    tls = tls_of(arguments, address, faults)
    if arguments.file is not None and address is not None:
        faults.append("--from and --url: are mutually exclusive; give one of them")
    flag = "--from" if arguments.file is not None else "--url" if arguments.url is not None else ""
    if arguments.file == "":
        faults.append("--from: is empty; write the name of a recording, or - for standard input")
    no_metadata = ""
    if flag:
        faults += _unused(given, flag)
        environment = {option.environment: environment.get(option.environment, "") for option in _LOG}
        kept = {name: value for name, value in given.items() if name.startswith(_ALLOWED[flag])}
        given = {**kept, "--metadata.source": "none", "--node-name": "unnamed"}
    elif no_metadata := _no_credentials(given, environment):
        given = {**given, "--metadata.source": "none"}
    is_watch = getattr(arguments, "watch", False)
    config = _config(_with_defaults(given, environment, is_watch=is_watch), environment, faults)
    if arguments.file is not None:
        from podres_exporter.cli.look.file import FileOrigin  # noqa: PLC0415 - each origin has modules of its own

        return FileOrigin(config, arguments.file)
    if address is not None:
        from podres_exporter.cli.look.exporter import ExporterOrigin  # noqa: PLC0415 - as above

        return ExporterOrigin(config, address, clock, tls)
    from podres_exporter.cli.look.node import NodeOrigin  # noqa: PLC0415 - as above

    return NodeOrigin(config, environment, clock, no_metadata, keep)


def asked_exporter(
    arguments: argparse.Namespace, environment: Mapping[str, str], faults: list[str]
) -> tuple[Address, ClientTls, Config] | None:
    """
    Return the exporter of --url with its TLS settings and configuration; None without --url.

    Raises ConfigError with *faults* and its own. Flags for reading a node are rejected; such environment variables are
    ignored.
    """
    address = _address(arguments, faults)
    tls, given = tls_of(arguments, address, faults), given_flags(arguments)
    if arguments.url is None:
        return None
    environment = {option.environment: environment.get(option.environment, "") for option in _LOG}
    kept = {name: value for name, value in given.items() if name.startswith(_ALLOWED["--url"])}
    made = {**kept, "--metadata.source": "none", "--node-name": "unnamed"}
    faults = [*faults, *_unused(given, "--url")]
    config = _config(_with_defaults(made, environment, is_watch=False), environment, faults)
    return None if address is None else (address, tls, config)


def _address(arguments: argparse.Namespace, faults: list[str]) -> Address | None:
    if arguments.url is None:
        if arguments.password_file is not None:
            faults.append("--password-file: needs a user in the URL, as in --url http://USER@HOST:10190")
        return None
    try:
        address = parse_address(arguments.url)
    except ValueError as error:
        faults.append(f"--url: {error}")
        return None
    if arguments.password_file is not None:
        address = with_password(address, arguments.password_file, "--url http://USER@HOST:10190", faults)
    return address


def _unused(given: Given, origin: str) -> list[str]:
    """Return a sentence for each flag that only applies to a node, although *origin* is used."""
    return [
        f"{flag}: applies only to reading a node, not to {origin}"
        for flag in given
        if not flag.startswith(_ALLOWED[origin])
    ]


def _no_credentials(given: Given, environment: Mapping[str, str]) -> str:
    """
    Return why the API server cannot be used; empty if it can, or if metadata is disabled.

    Outside a cluster there are no credentials by default, and a one-shot command should work without flags.
    """
    source = known.METADATA_SOURCE
    wanted = given.get(source.flag) or environment.get(source.environment) or source.default
    kubeconfig = given.get(known.KUBECONFIG.flag, environment.get(known.KUBECONFIG.environment))
    if wanted != "apiserver" or kubeconfig is not None or environment.get("KUBERNETES_SERVICE_HOST"):
        return ""
    return (
        "not running in a pod, so there are no credentials for the API server; give --metadata.kubeconfig, "
        "or --metadata.source=none to run without metadata"
    )


def _with_defaults(given: Given, environment: Mapping[str, str], *, is_watch: bool) -> Given:
    """
    Return the flags with the defaults that differ from those of `serve`: standard error is for messages to the user.
    """
    defaults = [(known.LOG_LEVEL, "error")] + ([] if is_watch else [(known.MAX_AGE, _NO_LIMIT)])
    unset = {option.flag: default for option, default in defaults if not environment.get(option.environment)}
    return {**unset, **given}


def _config(given: Given, environment: Mapping[str, str], faults: Sequence[str]) -> Config:
    try:
        config = build_config(given, environment, socket.gethostname(), COLLECTORS, DEFAULT_COLLECTORS)
    except ConfigError as error:
        raise ConfigError([*faults, *error.problems]) from error
    if faults:
        raise ConfigError(faults)
    return config
