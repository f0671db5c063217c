"""`who`: print who held a device at a given time, or over a period; for `podres-exporter` and `kubectl podres`."""

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, columns, ended, remark, wants_colours, write
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.cli.flags.who import FORMATS, PROMETHEUS, URL_VARIABLE
from podres_exporter.cli.look.credentials import TlsFlags, secret_of, tls_of, with_password
from podres_exporter.clock import SystemClock
from podres_exporter.config.values import at_least
from podres_exporter.errors import ConfigError, SnapshotError, SourceError
from podres_exporter.remote.address import Address, ClientTls, parse_prometheus
from podres_exporter.remote.prometheus import PrometheusClient
from podres_exporter.text.grid import Layout
from podres_exporter.text.style import ANSI, PLAIN
from podres_exporter.text.words import ENDLESS
from podres_exporter.who import text
from podres_exporter.who.document import to_dict
from podres_exporter.who.history import Answer, Question, ask
from podres_exporter.who.text import answer_lines, answer_notes
from podres_exporter.who.times import LocalZone, Zone, parse_time, time_text

_TLS = TlsFlags(PROMETHEUS, "--ca-file", "--cert-file", "--key-file")
_AT_LEAST = at_least(0.1, "100ms")


@dataclass(frozen=True, slots=True)
class Server:
    """The server, with its TLS settings and timeout."""

    address: Address
    tls: ClientTls
    bearer_token: str
    timeout_seconds: float


def server_of(arguments: argparse.Namespace, environment: Mapping[str, str], faults: list[str]) -> Server:
    """Return the server; *faults* gets a sentence for each invalid flag."""
    url = arguments.prometheus if arguments.prometheus is not None else environment.get(URL_VARIABLE, "")
    address: Address | None = None
    if not url:
        faults.append(
            f"{PROMETHEUS}: is missing; write for example {PROMETHEUS} http://prometheus:9090, or set {URL_VARIABLE}"
        )
    else:
        try:
            address = parse_prometheus(url)
        except ValueError as error:
            faults.append(f"{PROMETHEUS}: {error}")
    tls = tls_of(arguments, address, faults, _TLS) if address is not None else ClientTls()
    if arguments.password_file is not None and address is not None:
        address = with_password(address, arguments.password_file, f"{PROMETHEUS} http://USER@HOST:9090", faults)
    token = ""
    if arguments.bearer_token_file is not None:
        token = secret_of("--bearer-token-file", arguments.bearer_token_file, "token", faults)
        if address is not None and address.credentials:
            faults.append(f"--bearer-token-file: cannot be combined with a user in {PROMETHEUS}")
        if not (token.isascii() and token.isprintable()):
            faults.append("--bearer-token-file: the token is not a single line of ASCII")
    try:
        timeout = _AT_LEAST(arguments.timeout)
    except ValueError as error:
        faults.append(f"--timeout: {error}")
        timeout = 1.0
    return Server(address or Address(False, "", 0, ""), tls, token, timeout)


def question_of(arguments: argparse.Namespace, now: float, zone: Zone, faults: list[str]) -> Question:
    """Return the question; *faults* gets a sentence for each invalid flag."""
    faults += output_fault(arguments.output, FORMATS)
    if arguments.output in FORMATS and arguments.output != "table":
        faults += (
            [f"--sort-by: is for tables and cannot be combined with -o {arguments.output}"] if arguments.sort_by else []
        )
        faults += (
            [f"--no-headers: is for tables and cannot be combined with -o {arguments.output}"]
            if arguments.no_headers
            else []
        )
    if arguments.sort_by and arguments.sort_by.upper() not in text.HEADERS:
        columns = ", ".join(text.HEADERS)
        faults.append(f"--sort-by: {arguments.sort_by!r} is not a column of this table; choose {columns}")
    if not arguments.device:
        faults.append("DEVICE: is empty; write its id or a prefix of it")
    faults += [f"--{flag}: the name is empty; omit the flag for all" for flag in _empty(arguments)]
    begin, end = _time(arguments, now, zone, faults)
    return Question(arguments.device, begin, end, now, frozenset(arguments.node), frozenset(arguments.cluster))


def _empty(arguments: argparse.Namespace) -> list[str]:
    return [flag for flag in ("node", "cluster") if "" in getattr(arguments, flag)]


def _time(arguments: argparse.Namespace, now: float, zone: Zone, faults: list[str]) -> tuple[float, float]:
    """Return the beginning and the end of the period."""
    found: dict[str, float] = {}
    is_read = True
    for flag in ("at", "since", "until"):
        given = getattr(arguments, flag)
        if given is None:
            continue
        try:
            found[flag] = parse_time(given, now, zone)
        except ValueError as error:
            faults.append(f"--{flag}: {error}")
            found[flag], is_read = now, False
        if found[flag] > now:
            faults.append(f"--{flag}: {time_text(found[flag], zone)} is in the future")
    if "at" in found and len(found) > 1:
        faults.append("--at: cannot be combined with --since and --until; use one or the other")
    if "until" in found and "since" not in found:
        faults.append("--until: needs --since; for a single point in time use --at")
    begin = found.get("since", found.get("at", now))
    end = found.get("until", now if "since" in found else begin)
    if is_read and "since" in found and begin >= end:
        times = f"{time_text(begin, zone)} is not before {time_text(end, zone)}"
        faults.append(f"--since: {times} (--until); add dates if times alone are ambiguous")
    return begin, end


def run(arguments: argparse.Namespace) -> int:
    """
    Print the answer; return 0 if it is complete, 1 without such a device or without Prometheus, 3 if a part is unknown.
    """
    return ended(lambda: answered(arguments))


def answered(arguments: argparse.Namespace) -> int:
    """Print the answer and return the exit code. Raises SnapshotError, SelectionError and ConfigError."""
    faults: list[str] = []
    zone, clock = LocalZone(), SystemClock()
    question = question_of(arguments, clock.wall_seconds(), zone, faults)
    server = server_of(arguments, os.environ, faults)
    if faults:
        raise ConfigError(faults)
    client = PrometheusClient(server.address, server.timeout_seconds, clock, server.tls, server.bearer_token)
    try:
        answer = ask(client, question)
    except SourceError as error:
        raise SnapshotError(error.detail) from error
    if arguments.output == "json":
        write(json.dumps(to_dict(answer), indent=2) + "\n")
    else:
        style = ANSI if wants_colours() else PLAIN
        layout = Layout(columns(ENDLESS), style, not arguments.no_headers, arguments.sort_by.upper())
        write("".join(f"{line}\n" for line in answer_lines(answer, layout, zone)))
        remark(answer_notes(answer, layout, zone))
    return EXIT_PARTIAL if _is_partial(answer) else EXIT_OK


def _is_partial(answer: Answer) -> bool:
    return bool(answer.warnings) or any(each.unknown is not None for each in answer.periods)
