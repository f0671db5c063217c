"""Add the flags of `who`."""

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
        "Show who held a device at a given time, or over a period, from podres-exporter's series in Prometheus. The "
        "device is given by its id, its UUID or its PCI address, or a prefix of one."
    )
    parser.epilog = (
        "Times: 03:12 (the last one), -2h, '2026-11-20 03:12', all in this machine's time zone (TZ), or RFC 3339 as in "
        "2026-11-20T03:12:00Z. Output has the offset. If the exporter was not scraped, or did not know, the state is "
        "unknown, which is not the same as free. "
        "Exit codes: 0 ok, 1 failed or no such device, 2 wrong usage, 3 a part is unknown."
    )
    parser.add_argument("device", metavar="DEVICE", help="id, UUID or PCI address, or a prefix of it")
    add = parser.add_argument_group("when", "default: now").add_argument
    add("--at", metavar="TIME", help="at this time")
    add("--since", metavar="TIME", help="from this time on")
    add("--until", metavar="TIME", help="with --since: up to this time (now)")
    add = parser.add_argument_group("which Prometheus").add_argument
    add(PROMETHEUS, metavar="URL", help=f"http://[USER@]HOST:9090, or a compatible server ({URL_VARIABLE})")
    add("--password-file", metavar="FILE", help="file with the password of the URL's user")
    add("--bearer-token-file", metavar="FILE", help="file with a bearer token, such as that of a service account")
    add("--ca-file", metavar="FILE", help="CA that signed the certificate of an https URL, as PEM")
    add("--cert-file", metavar="FILE", help="client certificate for a server that requires one, as PEM")
    add("--key-file", metavar="FILE", help="key of the client certificate, if not in the same file")
    add("--insecure", action="store_true", help="do not verify the certificate of an https URL")
    add("--timeout", metavar="DURATION", default="30s", help="deadline of each request (30s)")
    what = parser.add_argument_group("what to show")
    what.add_argument("--node", metavar="NAME", action="append", default=[], help="only on this node; repeatable (all)")
    what.add_argument("--cluster", metavar="NAME", action="append", default=[], help="as --node, by the label cluster")
    what.add_argument("-o", "--output", default="table", metavar="FORMAT", help="table or json (table)")
    add_table_flags(what)
