"""`simulate plugin`: run the sample device plugin, for the simulated kubelet or a real one."""

import argparse
from pathlib import Path

from podres_exporter.cli.signals import stop_signals
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.log import configure
from podres_exporter.sim.devices.api import is_extended_resource_name
from podres_exporter.sim.plugin.sample import SamplePlugin

KUBELET_DIRECTORY = Path("/var/lib/kubelet/device-plugins")


def run(arguments: argparse.Namespace) -> int:
    """Serve and register until SIGTERM or SIGINT. Raises ConfigError with the faults of flags or file."""
    found: list[str] = []
    resource, devices, directory = arguments.resource, arguments.devices, Path(arguments.directory)
    if resource is None:
        found.append("--resource: is missing; write for example example.com/gpu")
    elif not is_extended_resource_name(resource):
        found.append(f"--resource: {resource!r} is not an extended resource; write for example example.com/gpu")
    if devices is None:
        found.append("--devices: the file with the devices is missing; see podres-exporter simulate plugin --help")
    if not directory.is_dir():
        elsewhere = f"; a kubelet has it at {KUBELET_DIRECTORY}" if directory != KUBELET_DIRECTORY else ""
        found.append(f"--directory: {directory} is not a directory{elsewhere}")
    if found:
        raise ConfigError(found)
    with stop_signals() as wait_for_signal:
        try:
            plugin = SamplePlugin(resource, Path(devices), directory, SystemClock())
        except ValueError as error:
            raise ConfigError([f"--directory: {error}"]) from error
        configure("info", "logfmt")
        with plugin:
            print(
                f"{resource}: serving on {plugin.socket_path}, registering with {directory / 'kubelet.sock'}",
                flush=True,
            )
            wait_for_signal()
    return 0
