"""The program as PID 1 of a container, where the kernel ignores signals without a handler."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child"]


def is_permitted() -> bool:
    """Return whether this machine gives a process a PID namespace of its own."""
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not is_permitted(), reason="PID namespaces are not permitted")


def child_of(parent: int) -> int | None:
    """Return the one child of a process."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return int(found[0]) if found else None


def handles_sigterm(pid: int) -> bool | None:
    """Return True once the kernel has a handler for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1) or None


def test_sigterm_ends_it_as_soon_as_it_has_begun(short_dir: Path) -> None:
    """There is no kubelet here, and what is loaded first does not matter: it ends by itself and is not killed."""
    serve = [
        sys.executable,
        "-m",
        "podres_exporter",
        "serve",
        "--metadata.source=none",
        "--web.listen-address=127.0.0.1:0",
    ]
    process = subprocess.Popen(
        [*NAMESPACE, *serve, f"--kubelet.socket={short_dir}/none"],
        env={**os.environ, "NODE_NAME": "node1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        pid = eventually(lambda: child_of(process.pid))
        eventually(lambda: handles_sigterm(pid))
        os.kill(pid, signal.SIGTERM)

        assert process.wait(60) in {0, 128 + signal.SIGTERM}
    finally:
        process.kill()
        process.wait(60)


WATCHED = """
import signal, sys
from podres_exporter.cli import main

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "podres_exporter.cli.flags":
            loaded = {"grpc", "urllib3", "kubernetes", "msgspec", "prometheus_client"} & sys.modules.keys()
            print(callable(signal.getsignal(signal.SIGTERM)), *loaded)
            raise SystemExit

sys.meta_path.insert(0, Watch())
sys.argv = ["podres-exporter", "serve"]
main()
"""


def test_the_handler_is_there_before_anything_large_is_loaded() -> None:
    """The kubelet's client and the API server's take most of the start, seconds of it on a busy node."""
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True)

    assert "True" == done.stdout.strip()
