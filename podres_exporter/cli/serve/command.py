"""`serve`: run the daemon until SIGTERM or SIGINT."""

import argparse
import logging
import os
import socket
from collections.abc import Mapping, Sequence

from podres_exporter import __version__
from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.cli.flags.who import URL_VARIABLE
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.signals import stop_signals
from podres_exporter.clock import SystemClock
from podres_exporter.config import Config, build_config
from podres_exporter.config.build import Given
from podres_exporter.config.environment import unknown_variables, variables_of
from podres_exporter.errors import ConfigError
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.log import configure

log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; return 0 if everything ended in time. Raises ConfigError with every fault."""
    config = configured(given_flags(arguments), os.environ)
    configure(config.log_level, config.log_format)
    for name, near in unknown_variables(os.environ, {*variables_of(COLLECTORS), URL_VARIABLE}):
        log.warning("environment.unknown", extra={"variable": name, "near": near})
    with stop_signals() as wait_for_signal:
        daemon = Daemon(config, os.environ, SystemClock())
        daemon.start()
        urls = [address.url + config.telemetry_path for address in daemon.addresses]
        log.info("started", extra={"version": __version__, "node": config.node_name, "urls": ",".join(urls)})
        wait_for_signal()
        ended = daemon.stop()
    log.info("stopped")
    return 0 if ended else 1


def configured(given: Given, environment: Mapping[str, str], problems: Sequence[str] = ()) -> Config:
    """Return the configuration; raises ConfigError with *problems* and its own faults."""
    try:
        config = build_config(given, environment, socket.gethostname(), COLLECTORS, DEFAULT_COLLECTORS)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from error
    if problems:
        raise ConfigError(problems)
    return config
