"""Commands in a shell: failing output, and the simulated node as a background job of a terminal."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from cluster_rig import Fleet, busy, document, serving
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


class Pty:
    """A command in a terminal of 120 columns: what it shows, as it comes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.text = ""

    def shows(self, text: str) -> bool:
        """Return whether the text has been shown by now."""
        with contextlib.suppress(OSError):  # EAGAIN: nothing new; EIO: it has ended
            while piece := os.read(self._master, 65536):
                self.text += piece.decode()
        return text in self.text

    def wait(self) -> int:
        """Return the exit code, when all has been read."""
        assert eventually(lambda: self.shows("\0") or self.process.poll() is not None)
        self.shows("\0")
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


KUBECTL = [sys.executable, "-c", "import sys; from podres_exporter.cli import kubectl_main; sys.exit(kubectl_main())"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        yield fleet


def terminal(fleet: Fleet, *arguments: str) -> Pty:
    """Return `kubectl podres` in a terminal."""
    found = {"KUBECONFIG": str(fleet.config), "PATH": os.environ["PATH"], "HOME": str(fleet.config.parent)}
    return Pty([*KUBECTL, *arguments], found)


def gated(name: str, gate: threading.Event) -> Any:
    """Return an exporter that answers when the gate is open."""
    answer = serving(document(busy(name)))

    def wait(inquiry: Any) -> Any:
        gate.wait(60)
        return answer(inquiry)

    return wait


def test_rows_are_on_the_terminal_before_the_last_node_has_answered(fleet: Fleet) -> None:
    """Of 40 nodes n25 is slow and n30 hangs: the ones before it are shown, the rest comes with Ctrl-C."""
    late = threading.Event()
    for number in range(10, 50):
        name = f"n{number}"
        fleet.add(name, {25: gated(name, late), 30: fleet.hanging()}.get(number, busy(name)))
    shown = terminal(fleet, "dump", "--timeout=1m")
    try:
        assert eventually(lambda: shown.shows("38 of 40"))
        # Nothing is printed in the first two seconds: a table that is whole by then fits all of it.
        threading.Timer(2.5, late.set).start()
        assert eventually(lambda: shown.shows("train-n29"))
        early = shown.text
        shown.process.send_signal(signal.SIGINT)
        code = shown.wait()
    finally:
        shown.close()
    plain = shown.text.replace("\x1b[K", "").replace("\r", "\n")
    rows = [line.split()[0] for line in plain.splitlines() if "train-n" in line]

    assert 130 == code
    assert "train-n31" not in early
    assert "querying exporters: 39 of 40" in shown.text
    assert [f"n{number}" for number in range(10, 50) if number != 30] == rows
    assert 1 == shown.text.count("NAMESPACE")
    assert "interrupted: 1 node missing, as n30" in shown.text


@pytest.mark.parametrize(
    "verb", [["dump", "-o", "json"], ["dump", "--free"], ["fit", "--cpus=1"], ["check"]], ids=" ".join
)
def test_ctrl_c_gives_what_has_come_and_says_how_much_is_missing(fleet: Fleet, verb: list[str]) -> None:
    """Nodes n1 to n3 have answered, as the line about progress says, and n4 hangs."""
    for name in ("n1", "n2", "n3"):
        fleet.add(name, busy(name))
    fleet.add("n4", fleet.hanging())
    shown = terminal(fleet, *verb, "--timeout=1m")
    try:
        assert eventually(lambda: shown.shows("3 of 4"))
        shown.process.send_signal(signal.SIGINT)
        code = shown.wait()
    finally:
        shown.close()

    assert 130 == code
    assert all(name in shown.text for name in ("n1", "n2", "n3"))
    assert "interrupted: 1 node missing, as n4 (monitoring/exporter-n4)" in shown.text
    if "json" in verb:
        assert '"message": "interrupted before it answered"' in shown.text


def test_a_cluster_that_answers_at_once_has_one_table_on_a_terminal(fleet: Fleet) -> None:
    """And no line about progress is left."""
    for name in ("n1", "n2"):
        fleet.add(name, busy(name))
    shown = terminal(fleet, "dump", "-A")
    try:
        code = shown.wait()
    finally:
        shown.close()
    table = shown.text.rpartition("\x1b[K")[2]

    assert 0 == code
    assert ["n1", "n2"] == [line.split()[0] for line in table.splitlines() if line.startswith("n")]
