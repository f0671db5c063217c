"""Describe the machine and the date of a run, without names and paths."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.rigs.timing import CLOCK

LIBRARIES = ("grpcio", "protobuf", "prometheus_client", "msgspec", "kubernetes")


def facts() -> dict[str, str]:
    """Return the class of the machine, what runs on it, how busy it is, and the date."""
    return {
        "date": datetime.fromtimestamp(CLOCK.wall_seconds(), UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
