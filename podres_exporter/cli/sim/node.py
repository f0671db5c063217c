"""Load a scenario and build the simulated node, for `demo` and `simulate`."""

import errno
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from podres_exporter.cli.output_file import write_whole
from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.scenario import Release, Scenario, parse_scenario
from podres_exporter.sim.api import kubeconfig
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.node import SimNode, builtin_scenario

KUBECONFIG = "kubeconfig"
"""The kubeconfig of the API server in the node's directory."""

_MOST_BYTES = 16 * 1024 * 1024


def load_scenario(path: str | None) -> tuple[Scenario, Sequence[str]]:
    """Return the scenario and its faults; an invalid one is replaced by the built-in scenario."""
    story = builtin_scenario("story")
    if path is None:
        return story, ()
    try:
        return parse_scenario(_read(path), path), ()
    except UnicodeDecodeError as error:
        return story, [f"--scenario: cannot read {path}: it is not UTF-8 text ({error.reason} at byte {error.start})"]
    except OSError as error:
        return story, [f"--scenario: cannot read {path}: {(error.strerror or str(error)).lower()}"]
    except ConfigError as error:
        return story, error.problems


def _read(path: str) -> str:
    """Return a scenario's text, also from a pipe. Raises OSError or UnicodeDecodeError."""
    with Path(path).open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(
            errno.EFBIG, f"it has more than {_MOST_BYTES} bytes; a scenario of a large node has a tenth of that"
        )
    return content.decode()


@contextmanager
def directory_for_node(path: str | None) -> Iterator[Path]:
    """Yield the directory, created if missing, or a temporary one that is removed afterwards."""
    if path is None:
        with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
            yield Path(temporary)
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([f"--directory: cannot make {path}: {error.strerror}"]) from error
    yield Path(path).absolute()


def make_node(
    scenario: Scenario,
    directory: Path,
    clock: Clock,
    release: Release | None = None,
    api_address: tuple[str, int] = ("127.0.0.1", 0),
    seed: int | None = 0,
) -> SimNode:
    """
    Return the node, not started; it admits pods if the scenario's pods state requests.

    *seed* draws the order of what a kubelet keeps in maps; None takes the lowest device first.

    Raises ConfigError if a socket's path would be too long, or the API server's address cannot be used.
    """
    try:
        if scenario.is_admitted:
            return LiveNode(scenario, directory, clock, seed, release, api_address)
        return SimNode(scenario, directory, clock, seed or 0, release)
    except ValueError as error:  # a socket's path has at most 107 bytes
        raise ConfigError([f"{error}; set TMPDIR or --directory to a directory with a short path"]) from error


def metadata_flags(node: SimNode, directory: Path) -> dict[str, str]:
    """Return the flags of `serve` for the node's API server, whose kubeconfig is written into the directory."""
    if not isinstance(node, LiveNode):
        return {"--metadata.source": "none"}
    path = directory / KUBECONFIG
    write_whole(path, kubeconfig(node.api.url).encode())
    return {"--metadata.source": "apiserver", "--metadata.kubeconfig": str(path)}
