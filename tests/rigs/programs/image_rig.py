"""deploy/Dockerfile, and the root file system that it builds."""

import os
import re
import subprocess
from pathlib import Path

DOCKERFILE = (Path(__file__).parents[3] / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """Return the arguments of every instruction of a kind, each on one line."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def copied() -> list[str]:
    """Return what the builder copies out of a checkout."""
    return [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]


class Root:
    """The folder, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = instructions("ENV")[-1].replace("/opt/podres", str(folder))
        self.environment = dict(each.split("=", 1) for each in text.split())
        self.environment["PATH"] += os.pathsep + os.environ["PATH"]

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Return how a command ended; the first word is a file in `bin`."""
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )

    def files(self) -> set[Path]:
        return {path for path in self.folder.rglob("*") if path.is_file()}

    @property
    def packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"))
