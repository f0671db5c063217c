"""Which snapshot a command that looks once shall look at, from flags and environment."""

import argparse
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.config import Config, build_config
from podres_exporter.config import options as known
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.families import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.remote.address import Address, parse_address

STDIN = "-"

_LOG = (known.LOG_LEVEL, known.LOG_FORMAT)
_NO_LIMIT = "24h"
_ALLOWED = {"--from": ("--log.",), "--url": ("--log.", "--kubelet.poll-interval", "--kubelet.timeout")}
"""How the flags of `serve` begin that mean something beside the way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    *file* or *address* are the way where they are given, else the node itself is asked.

    *shortfall* says why there will be no metadata although nobody said that none is wanted; empty where that is not so.
    *verify*: whether the certificate of an exporter must be one that this machine trusts.
    """

    config: Config
    file: str | None = None
    address: Address | None = None
    verify: bool = True
    shortfall: str = ""


def make_plan(
    arguments: argparse.Namespace, environment: Mapping[str, str], problems: Sequence[str], *, is_watch: bool = False
) -> Plan:
    """
    Return the plan. Raises ConfigError with *problems* and with everything that is wrong with the way.

    *is_watch*: it is looked at again and again, so that answers have an age.
    """
    faults, given = list(problems), given_flags(arguments)
    address = _address(arguments, faults)
    if arguments.file is not None and address is not None:
        faults.append("--from and --url: a snapshot comes from one place; give one of them")
    way = "--from" if arguments.file is not None else "--url" if arguments.url is not None else ""
    if arguments.file == "":
        faults.append("--from: names no file; write the name of a recording, or - for standard input")
    shortfall = ""
    if way:
        faults += _idle(given, way)
        environment = {option.environment: environment.get(option.environment, "") for option in _LOG}
        kept = {flag: value for flag, value in given.items() if flag.startswith(_ALLOWED[way])}
        given = {**kept, "--metadata.source": "none", "--node-name": "unnamed"}
    elif shortfall := _no_credentials(given, environment):
        given = {**given, "--metadata.source": "none"}
    config = _config(_with_defaults(given, environment, is_watch=is_watch), environment, faults)
    return Plan(config, arguments.file, address, not arguments.insecure, shortfall)


def _address(arguments: argparse.Namespace, faults: list[str]) -> Address | None:
    """Return the exporter to ask, None where none is given, or none that could be."""
    if arguments.url is None:
        if arguments.insecure:
            faults.append("--insecure: there is a certificate to check with --url https://... only")
        return None
    try:
        address = parse_address(arguments.url)
    except ValueError as error:
        faults.append(f"--url: {error}")
        return None
    if arguments.insecure and not address.is_secure:
        faults.append("--insecure: there is a certificate to check with --url https://... only")
    return address


def _idle(given: Given, way: str) -> list[str]:
    """Return a sentence for each flag that says how to ask a node, which nobody does."""
    return [
        f"{flag}: says how to ask a node, and {way} asks none" for flag in given if not flag.startswith(_ALLOWED[way])
    ]


def _no_credentials(given: Given, environment: Mapping[str, str]) -> str:
    """
    Return why the API server cannot be asked, empty where it can or shall not.

    Outside a cluster nobody has credentials by default; who looks once should not have to say so.
    """
    source = known.METADATA_SOURCE
    wanted = given.get(source.flag) or environment.get(source.environment) or source.default
    kubeconfig = given.get(known.KUBECONFIG.flag, environment.get(known.KUBECONFIG.environment))
    if wanted != "apiserver" or kubeconfig is not None or environment.get("KUBERNETES_SERVICE_HOST"):
        return ""
    return (
        "this is no pod of a cluster, so there are no credentials for its API server; give --metadata.kubeconfig, "
        "or --metadata.source=none where none is wanted"
    )


def _with_defaults(given: Given, environment: Mapping[str, str], *, is_watch: bool) -> Given:
    """Return the flags with the defaults that differ from those of `serve`: standard error is for people."""
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


def record_path(text: str | None, faults: list[str]) -> Path | None:
    """Return the file to record into, None where there is none to be, or *faults* names what is wrong with it."""
    if text is None:
        return None
    path = Path(text)
    if not text or path.is_dir() or not path.parent.is_dir():
        faults.append(f"--record: {text!r} does not name a file in a directory that is there")
        return None
    if text == STDIN or path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
        faults.append(f"--record: {text!r} is no regular file; write for example node1.json.gz")
        return None
    return path
