"""A Prometheus with given samples in the past."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from observed_rig import asked, wait_until
from promql_rig import prometheus_server, tool

Sample = tuple[str, Mapping[str, str], float, float]
"""Metric, labels, Unix seconds, value."""


def write_samples(samples: Iterable[Sample], directory: Path) -> None:
    """Write samples into the folder of a Prometheus."""
    ordered = sorted(samples, key=lambda each: (each[0], sorted(each[1].items()), each[2]))
    lines = []
    for metric, labels, at, value in ordered:
        text = ",".join(f"{name}={json.dumps(each)}" for name, each in labels.items())
        lines.append(f"{metric}{{{text}}} {value} {at}\n")
    (directory / "samples.om").write_text("".join([*lines, "# EOF\n"]), encoding="utf-8")
    create = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    done = subprocess.run(
        [*create, directory / "samples.om", directory / "data"], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr


@contextmanager
def remembering(samples: Iterable[Sample], directory: Path, *flags: str) -> Iterator[int]:
    """Yield the port of a Prometheus that has these samples."""
    write_samples(samples, directory)
    with prometheus_server(directory, {}, *flags) as port:
        assert wait_until(lambda: asked(port, "query", query="vector(1)"), 60)
        yield port
