"""The flags of `who`."""

from podres_exporter.cli.flags.oneshot import add_table_flags
from podres_exporter.cli.flags.parser import Parser

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
