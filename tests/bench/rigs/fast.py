"""
Run `serve` with a shorter poll interval than its flags allow: `fast.py SECONDS FLAGS...`.

The same daemon from the same modules; whichever program's interpreter runs this is the one that is measured.
"""

import logging
import os
import sys
from dataclasses import replace

from podres_exporter.cli.flags.commands import build_parser
from podres_exporter.cli.flags.parser import given_flags, with_values
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.signals import stop_signals
from podres_exporter.clock import SystemClock
from podres_exporter.log import configure


def main() -> None:
    """Serve until a signal says stop."""
    interval, *argv = sys.argv[1:]
    arguments = build_parser().parse_args(with_values(["serve", *argv]))
    config = replace(configured(given_flags(arguments), os.environ, ()), poll_interval_seconds=float(interval))
    configure(config.log_level, config.log_format)
    with stop_signals() as wait_for_signal:
        daemon = Daemon(config, os.environ, SystemClock())
        daemon.start()
        urls = [address.url for address in daemon.addresses]
        logging.getLogger(__name__).info("started", extra={"urls": ",".join(urls)})
        wait_for_signal()
        daemon.stop()


if __name__ == "__main__":
    main()
