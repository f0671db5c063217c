"""The real kubectl (Debian's package `kubernetes-client`), isolated from the user's files."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 120.0


class Kubectl:
    """
    Runs kubectl; cache, configuration and home are in *directory*.

    Where it is not installed the test is skipped, but fails where CI is set.
    """

    def __init__(self, directory: Path) -> None:
        found = shutil.which("kubectl")
        if found is None:
            if os.environ.get("CI"):
                pytest.fail("kubectl is missing; install Debian's package kubernetes-client")
            pytest.skip("kubectl is not installed; Debian has it in the package kubernetes-client")
        self.config = directory / "config"
        self.command = [found, f"--cache-dir={directory / 'cache'}", f"--kubeconfig={self.config}"]
        self.environment = {"HOME": str(directory), "PATH": os.environ.get("PATH", "")}

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Return what it prints, errors too."""
        done = subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert code == done.returncode, done.stdout
        return done.stdout


def columns(text: str, *numbers: int) -> list[list[str]]:
    """Return the words in these columns of every line."""
    return [[line.split()[number] for number in numbers] for line in text.splitlines()]
