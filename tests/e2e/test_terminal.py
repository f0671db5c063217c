"""Commands in a shell: outputs that cannot be written, and the simulated node in the background of a terminal."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from look_rig import Spot, spot
from sim_client import LIST, ask

PROGRAM = f"{sys.executable} -m podres_exporter"


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir) as found:
        yield found


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", ["dump {flags}", "dump {flags} -o json", "explain train {flags}", "metrics"])
@pytest.mark.parametrize(
    ("redirection", "why"),
    [("> /dev/full", "cannot be written: No space left on device"), (">&-", "is closed")],
    ids=["full disk", "closed"],
)
def test_an_output_that_cannot_be_written_is_one_sentence(node: Spot, command: str, redirection: str, why: str) -> None:
    """Neither a traceback nor success: a script would take half an answer for a whole one."""
    ran = shell(f"{PROGRAM} {command.format(flags=' '.join(node.flags))} {redirection}")

    assert (1, f"podres-exporter: standard output {why}") == (ran.returncode, ran.stderr.splitlines()[-1])
    assert "Traceback" not in ran.stderr


def test_simulate_runs_in_the_background_of_a_terminal(short_dir: Path) -> None:
    """A read of the terminal from the background would stop it (SIGTTIN), with its sockets open."""
    master, slave = pty.openpty()
    output, number = short_dir / "out", short_dir / "pid"
    arguments = f"simulate --directory={short_dir}/node --api.listen-address=127.0.0.1:0"
    # The first terminal that the leader of a session opens becomes its own.
    script = f"exec 0<>{os.ttyname(slave)}; set -m; {PROGRAM} {arguments} > {output} 2>&1 & echo $! > {number}; wait $!"
    leader = subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        assert eventually(lambda: output.exists() and "Ctrl-C ends it all" in output.read_text())
        codes = {ask(short_dir / "node" / "pod-resources" / "kubelet.sock", LIST).code for _ in range(5)}
        os.kill(int(number.read_text()), signal.SIGTERM)
        code = leader.wait(timeout=60)
    finally:
        if leader.poll() is None:
            os.killpg(int(number.read_text()), signal.SIGKILL)
            leader.kill()
            leader.wait()
        os.close(slave)
        os.close(master)

    assert {grpc.StatusCode.OK} == codes
    assert 0 == code
