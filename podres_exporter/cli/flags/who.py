"""The flags of `who`, and the question that they ask."""

import argparse

from podres_exporter.cli.flags.oneshot import add_table_flags
from podres_exporter.cli.flags.parser import Parser
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.who import text
from podres_exporter.who.history import Question
from podres_exporter.who.times import Zone, parse_time, time_text

FORMATS = ("table", "json")
URL_VARIABLE = "PODRES_PROMETHEUS"
PROMETHEUS = "--prometheus"


def add_who(parser: Parser, program: str = "podres-exporter") -> None:
    """Add the flags of `who`."""
    parser.examples(
        f"{program} who GPU-7f3c --at 03:12 --prometheus http://prometheus:9090",
        f"{program} who 0000:3b:00.1 --node node1 --since -6h",
        f"{program} who GPU-7f3c --since '2026-11-20 22:00' --until 03:12 -o json",
    )
    parser.description = (
        "Say who held a device at a moment, or over a time, from the series that Prometheus has of podres-exporter. "
        "A device goes by the beginning of its id, its UUID or its PCI address."
    )
    parser.epilog = (
        "Times: 03:12 (the last one), -2h, '2026-11-20 03:12', all in this machine's time zone (TZ), or RFC 3339 as in "
        "2026-11-20T03:12:00Z. Output has the offset. Where the exporter was not scraped, or did not know, the state "
        "is unknown: that is not nobody. "
        "Exit codes: 0 ok, 1 failed or no such device, 2 wrong usage, 3 a part is unknown."
    )
    parser.add_argument("device", metavar="DEVICE", help="the beginning of its id, UUID or PCI address")
    add = parser.add_argument_group("when", "now, unless said otherwise").add_argument
    add("--at", metavar="TIME", help="at this moment")
    add("--since", metavar="TIME", help="from this moment on")
    add("--until", metavar="TIME", help="with --since: up to this moment (now)")
    add = parser.add_argument_group("which Prometheus").add_argument
    add(PROMETHEUS, metavar="URL", help=f"http://[USER@]HOST:9090, or what answers like one ({URL_VARIABLE})")
    add("--password-file", metavar="FILE", help="the password of the URL's user")
    add("--bearer-token-file", metavar="FILE", help="a token to show, such as that of a service account")
    add("--ca-file", metavar="FILE", help="CA that signed the certificate of an https URL, as PEM")
    add("--cert-file", metavar="FILE", help="client certificate for a server that demands one, as PEM")
    add("--key-file", metavar="FILE", help="its key, if it is not in the file of the certificate")
    add("--insecure", action="store_true", help="do not check the certificate of an https URL")
    add("--timeout", metavar="DURATION", default="30s", help="deadline of each request (30s)")
    what = parser.add_argument_group("what to show")
    what.add_argument(
        "--node", metavar="NAME", action="append", default=[], help="on this node alone; repeatable (all)"
    )
    what.add_argument("--cluster", metavar="NAME", action="append", default=[], help="as --node, by the label cluster")
    what.add_argument("-o", "--output", default="table", metavar="FORMAT", help="table or json (table)")
    add_table_flags(what)


def question_of(arguments: argparse.Namespace, now: float, zone: Zone, faults: list[str]) -> Question:
    """Return what is asked; *faults* gets a sentence for each flag that cannot be."""
    faults += output_fault(arguments.output, FORMATS)
    if arguments.output in FORMATS and arguments.output != "table":
        faults += [f"--sort-by: sorts a table, and -o {arguments.output} is none"] if arguments.sort_by else []
        faults += [f"--no-headers: is for tables, and -o {arguments.output} is none"] if arguments.no_headers else []
    if arguments.sort_by and arguments.sort_by.upper() not in text.HEADERS:
        columns = ", ".join(text.HEADERS)
        faults.append(f"--sort-by: {arguments.sort_by!r} is not a column of this table; choose {columns}")
    if not arguments.device:
        faults.append("DEVICE: is empty; write the beginning of its id")
    faults += [f"--{flag}: the name is empty; leave the flag out for all" for flag in _empty(arguments)]
    begin, end = _time(arguments, now, zone, faults)
    return Question(arguments.device, begin, end, now, frozenset(arguments.node), frozenset(arguments.cluster))


def _empty(arguments: argparse.Namespace) -> list[str]:
    return [flag for flag in ("node", "cluster") if "" in getattr(arguments, flag)]


def _time(arguments: argparse.Namespace, now: float, zone: Zone, faults: list[str]) -> tuple[float, float]:
    """Return the beginning and the end of what is asked for."""
    found: dict[str, float] = {}
    for flag in ("at", "since", "until"):
        given = getattr(arguments, flag)
        if given is None:
            continue
        try:
            found[flag] = parse_time(given, now, zone)
        except ValueError as error:
            faults.append(f"--{flag}: {error}")
            found[flag] = now
        if found[flag] > now:
            faults.append(f"--{flag}: {time_text(found[flag], zone)} has not come yet")
    if "at" in found and len(found) > 1:
        faults.append("--at: is a moment, and --since and --until are a time; give one or the other")
    if "until" in found and "since" not in found:
        faults.append("--until: needs --since; for a moment give --at")
    begin = found.get("since", found.get("at", now))
    end = found.get("until", now if "since" in found else begin)
    if "since" in found and begin >= end:
        times = f"{time_text(begin, zone)} is not before {time_text(end, zone)}"
        faults.append(f"--since: {times}, which --until says; write dates where a clock alone is not clear")
    return begin, end
