"""Loads the recorded answers of real kubelets in tests/captures."""

from pathlib import Path

CAPTURES = Path(__file__).parents[1] / "captures"


def capture(release: str, file: str) -> bytes:
    """Return one file of a capture; *release* is the folder's name, such as `kubelet-1.36`."""
    return (CAPTURES / release / file).read_bytes()
