"""All fuzz targets by name."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from fuzz.engine import Target
from fuzz.target_http import http
from fuzz.target_labels import labels
from fuzz.target_pods import pods
from fuzz.target_recording import recording
from fuzz.target_scenario import scenario
from fuzz.target_webconfig import webconfig
from fuzz.target_wire import wire

TARGETS: Mapping[str, Callable[[Path], AbstractContextManager[Target]]] = {
    "wire": wire,
    "pods": pods,
    "scenario": scenario,
    "recording": recording,
    "webconfig": webconfig,
    "labels": labels,
    "http": http,
}
"""Each is opened with an empty folder of its own."""

KEPT = Path(__file__).parent / "kept"
"""Inputs that failed once, by target: what was found is found again if it comes back."""


def kept(target: str) -> list[Path]:
    """Return the files of a target."""
    return sorted(path for path in (KEPT / target).glob("*") if path.is_file())
