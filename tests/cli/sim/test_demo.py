"""`demo` in the test process: it serves a node, and leaves nothing behind."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from podres_exporter.cli import main
from podres_exporter.clock import SystemClock

SCENARIO = {
    "node": "my-node",
    "numa": [{"node": 0, "cpus": "0-3", "memory": "8Gi"}],
    "resources": [{"name": "example.com/card", "devices": [{"id": "c0", "numa_nodes": [0]}, {"id": "c1"}]}],
    "pods": [
        {"namespace": "ns", "name": "one", "containers": [{"name": "main", "devices": {"example.com/card": ["c0"]}}]}
    ],
}


@pytest.fixture
def port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


def metrics(port: int) -> str:
    """Return the page; nothing if the server does not listen yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as response:
            text: str = response.read().decode()
    except urllib.error.URLError:
        return ""
    return text


def play_until(is_seen: Callable[[], bool], *flags: str) -> tuple[int, bool]:
    """Run the demo; send SIGTERM when *is_seen*, or after two minutes. Return its exit code and whether it was seen."""
    clock, ended, seen = SystemClock(), threading.Event(), []

    def watch() -> None:
        deadline = clock.monotonic_seconds() + 120
        while not ended.wait(0.02) and clock.monotonic_seconds() < deadline:
            if is_seen():
                seen.append(True)
                break
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = main(["demo", *flags])
    ended.set()
    watcher.join()
    return code, bool(seen)


def faults(capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    """Run a demo that must be refused; return its faults."""
    code = main(["demo", *flags])
    captured = capsys.readouterr()

    assert 2 == code
    assert "" == captured.out
    return [line.removeprefix("podres-exporter: ") for line in captured.err.splitlines()[:-1]]


def test_the_demo_introduces_itself_shows_a_node_and_leaves_nothing_behind(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newcomer sees the URL first; nothing outside a temporary directory is touched, and that goes with the demo."""
    code, was_seen = play_until(
        lambda: 'podres_container_device_info{node="demo-node"' in metrics(port),
        f"--web.listen-address=127.0.0.1:{port}",
        "--snapshot.hold-down=0s",
        "--kubelet.poll-interval=1s",
    )
    out = capsys.readouterr().out
    path = re.search(r"Its kubelet listens on (\S+)\.", out)

    assert (0, True) == (code, was_seen)
    assert f"\n    http://127.0.0.1:{port}/metrics " in out
    assert "demo-node, with 2 NUMA nodes" in out
    assert "Ctrl-C" in out
    assert path is not None
    assert "kubelet.sock" == Path(path[1]).name
    assert not Path(path[1]).parents[1].exists()


def test_the_commands_that_the_demo_offers_work_as_they_stand(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines of its text: one for `kubectl podres`, and dump, explain and fit against its URL."""
    out: list[str] = []
    done: dict[str, subprocess.CompletedProcess[str]] = {}

    def all_done() -> bool:
        out.append(capsys.readouterr().out)
        commands = re.findall(r"(?m)^    (\S+(?: -m podres_exporter)?) (dump|explain|fit) ([^#\n]+)", "".join(out))
        # Until every source has answered they end with 3, for what they show is a part.
        page = metrics(port)
        whole = ("train-llm-0", "podres_metadata_synced 1", 'source_up{source="dra"} 1', "podres_node_free_devices{")
        if len(commands) < 3 or not all(each in page for each in whole):
            return False
        for program, verb, flags in commands:
            command = [*program.split(), verb, *flags.split()]
            done[f"{Path(program).name} {verb}"] = subprocess.run(command, capture_output=True, text=True, check=False)
        return True

    # The program is named as it was called.
    program = str(Path(sys.executable).with_name("podres-exporter"))
    called, sys.argv = sys.argv, [program]
    try:
        assert (0, True) == play_until(all_done, f"--web.listen-address=127.0.0.1:{port}", "--snapshot.hold-down=0s")
    finally:
        sys.argv = called

    assert ["kubectl-podres dump", "podres-exporter dump", "podres-exporter explain", "podres-exporter fit"] == [*done]
    assert {0} == {each.returncode for name, each in done.items() if not name.endswith("fit")}
    assert "demo-node" in done["kubectl-podres dump"].stdout
    assert "train-llm-0" in done["podres-exporter explain"].stdout
    assert done["podres-exporter fit"].returncode in {0, 1}


def test_the_demo_takes_a_free_port_where_the_usual_one_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """`make demo` works beside a running exporter; it never listens beyond the loopback interface by itself."""
    seen: list[str] = []

    def is_introduced() -> bool:
        seen.append(capsys.readouterr().out)
        return "Ctrl-C" in "".join(seen)

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # another process has it, which is as good
            stack.enter_context(socket.create_server(("127.0.0.1", 10190)))
        code, was_seen = play_until(is_introduced)
    url = re.search(r"http://127\.0\.0\.1:([0-9]+)/metrics ", "".join(seen))

    assert (0, True) == (code, was_seen)
    assert url is not None
    assert "10190" != url[1]


def test_the_demo_is_the_same_whatever_the_environment_says(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is for `serve` alone; here every variable is wrong or leads elsewhere."""
    for name in ("KUBELET_SOCKET", "KUBELET_TIMEOUT", "LOG_LEVEL", "NODE_NAME", "COLLECTOR_DEVICES"):
        monkeypatch.setenv(f"PODRES_{name}", "?")
    monkeypatch.setenv("NODE_NAME", "?")

    assert (0, True) == play_until(
        lambda: "podres_source_up" in metrics(port), f"--web.listen-address=127.0.0.1:{port}"
    )


def test_the_demo_plays_another_scenario(port: int, tmp_path: Path) -> None:
    """`--scenario FILE`, as YAML or JSON; the node is called what the scenario calls it."""
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(SCENARIO), encoding="utf-8")
    code, was_seen = play_until(
        lambda: 'node="my-node",namespace="ns",pod="one",container="main",resource="example.com/card"' in metrics(port),
        f"--scenario={file}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--snapshot.hold-down=0s",
    )

    assert (0, True) == (code, was_seen)


def test_a_demo_on_an_address_that_is_taken_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that the user chose is not silently exchanged for another one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        (fault,) = faults(capsys, f"--web.listen-address={address}")

    assert f"cannot listen on {address}: the address is in use" in fault


def test_all_faults_of_flags_and_scenario_are_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each names the flag, or the file and the place in it."""
    file = tmp_path / "scenario.yaml"
    file.write_text("node: n\nnuma: 3\npods: 4\n", encoding="utf-8")
    found = faults(capsys, f"--scenario={file}", "--log.level=trace", "--kubelet.poll-interval=0s")
    starts = (f"{file}: numa", f"{file}: pods", "--log.level: ", "--kubelet.poll-interval: ")

    assert [] == [start for start in starts if not any(fault.startswith(start) for fault in found)]


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "no such file or directory"), (b"\xff\xfe", "not UTF-8"), (b"a: [", "neither YAML nor JSON")],
)
def test_a_scenario_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, named: str
) -> None:
    """A missing file, bytes that are no text, and a text that is no document."""
    file = tmp_path / "scenario.yaml"
    if content is not None:
        file.write_bytes(content)
    (fault,) = faults(capsys, f"--scenario={file}")

    assert str(file) in fault
    assert named in fault


@pytest.mark.parametrize("flag", ["--kubelet.socket=/x", "--topology.sysfs=/x", "--node-name=x", "--collector.cpus"])
def test_the_demo_takes_no_flag_that_would_lead_out_of_it(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    """Nothing outside a temporary directory is touched."""
    (fault,) = faults(capsys, flag)

    assert fault.startswith(f"demo has no flag {flag.partition('=')[0]}")
