"""`serve`: run until a signal says stop."""

import argparse
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from podres_exporter import __version__
from podres_exporter.cli.daemon import Daemon
from podres_exporter.cli.parser import given_flags
from podres_exporter.clock import SystemClock
from podres_exporter.config import Config, build_config
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.families import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.log import configure

log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; 0 if everything ended in time. Raises ConfigError with every fault."""
    config = configured(given_flags(arguments), os.environ, problems)
    configure(config.log_level, config.log_format)
    with stop_signals() as wait_for_signal:
        daemon = Daemon(config, SystemClock())
        daemon.start()
        urls = [address.url + config.telemetry_path for address in daemon.addresses]
        log.info("started", extra={"version": __version__, "node": config.node_name, "urls": ",".join(urls)})
        wait_for_signal()
        ended = daemon.stop()
    log.info("stopped")
    return 0 if ended else 1


def configured(given: Given, environment: Mapping[str, str], problems: Sequence[str]) -> Config:
    """Return the configuration; raises ConfigError with *problems* and its own."""
    try:
        config = build_config(given, environment, socket.gethostname(), COLLECTORS, DEFAULT_COLLECTORS)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from error
    if problems:
        raise ConfigError(problems)
    return config


@contextmanager
def stop_signals() -> Iterator[Callable[[], object]]:
    """
    Hold SIGTERM and SIGINT back from this thread and those it starts; yield a function that waits for one of them.

    Waiting for an event that a handler sets would miss a signal that comes just before the wait.
    """
    numbers = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield lambda: signal.sigwait(numbers)
    finally:
        while signal.sigpending() & numbers:  # a second Ctrl-C says nothing new
            signal.sigwait(numbers)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
