"""
The podres-exporter to measure: that of this virtual environment, or that of the image.

The latter is built by the script that the Dockerfile calls, below `.venvs`, and kept until a source changes.
PODRES_PROGRAM names another one in its place: `bin/podres-exporter` in a folder that the script has made.
"""

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from image_rig import Root, copied

import podres_exporter

CHECKOUT = Path(__file__).parents[3]
BUILT = CHECKOUT / ".venvs" / "bench-image"
VENV, IMAGE = "venv", "image"
DONE = "done"
KEPT = 3
"""How many builds are kept: another run may be measuring the previous one."""


@dataclass(frozen=True, slots=True)
class Program:
    """An installed exporter: its interpreter, and the environment that it runs in. *label* says which it is."""

    label: str
    python: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The exporter's own script."""
        return str(self.python.with_name("podres-exporter"))


def venv_program() -> Program:
    """Return the exporter of this virtual environment, its bytecode made, as pip does at an installation."""
    compileall.compile_dir(str(Path(podres_exporter.__file__).parent), quiet=2)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PODRES_")}
    return Program(VENV, Path(sys.executable), kept)


def asked_program() -> Program | None:
    """Return the exporter that PODRES_PROGRAM names, None where it names none."""
    asked = os.environ.get("PODRES_PROGRAM")
    return _image(Path(asked).absolute().parents[1]) if asked else None


def image_program() -> Program:
    """Return the exporter as the image runs it. Raises subprocess.CalledProcessError: it cannot be built here."""
    sources = [path for name in copied() for path in _files(CHECKOUT / name)]
    digest = hashlib.sha256(sys.version.encode())
    for path in sources:
        digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    folder = BUILT / digest.hexdigest()[:12]
    if not (folder / DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        for path in sources:
            copy = folder / "sources" / path.relative_to(CHECKOUT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        subprocess.run(
            [str(folder / "sources" / "deploy" / "build-root.sh"), str(folder / "podres")],
            env={**os.environ, "PYTHON": sys.executable},
            check=True,
            capture_output=True,
        )
        (folder / DONE).touch()
        for old in sorted(BUILT.glob(f"*/{DONE}"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old.parent)
    return _image(folder / "podres")


def _image(folder: Path) -> Program:
    return Program(IMAGE, folder / "bin" / "python", Root(folder).environment)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
