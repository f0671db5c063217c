"""One-shot commands as processes: pipes, signals, encodings, and imported modules."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from eventually import eventually
from look_rig import Spot, spot

HEAVY = ("kubernetes", "urllib3", "prometheus_client", "yaml", "msgspec")
"""Nothing that a look at a node without metadata needs."""
OURS = ("podres_exporter.sim", "podres_exporter.web", "podres_exporter.scenario", "podres_exporter.cli.serve.command")

MOMENTS = (
    "argparse",
    "podres_exporter.config.options",
    "podres_exporter.cli.flags.parser",
    "json.decoder",
    "podres_exporter.cli.look.resolve",
    "podres_exporter.cli.look.origin",
    "podres_exporter.dump",
    "podres_exporter.cli.look.node",
    "google.protobuf.descriptor",
    "grpc._cython.cygrpc",
    "grpc._channel",
    "grpc",
    "podres_exporter.wire",
    "podres_exporter.sources.kubelet",
)
"""Modules that `dump` loads, from the first after it has begun to the last ones before it asks."""
SOON_SECONDS = 60
"""Longer than a busy machine needs, and far shorter than the kubelet hangs."""


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir) as found:
        yield found


def environment(**changed: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PODRES_", "PYTHON", "COLUMNS"))}
    return {**kept, **changed}


def command(*argv: str, before: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *before, "-m", "podres_exporter", *argv]


def loaded(*argv: str) -> set[str]:
    """Return the modules that a command imports."""
    done = subprocess.run(
        command(*argv, before=["-X", "importtime"]), env=environment(), capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def of(packages: Sequence[str], modules: set[str]) -> list[str]:
    """Return the modules that belong to some packages."""
    return sorted(
        name for name in modules if name.startswith(tuple(f"{package}." for package in packages)) or name in packages
    )


@pytest.mark.parametrize("output", ["table", "wide", "json", "csv", "prom"])
def test_a_look_without_metadata_loads_nothing_heavy(node: Spot, output: str) -> None:
    """It is typed by people, who wait; gRPC is what it costs, and a document the package that writes it."""
    modules = loaded("dump", *node.flags, "-o", output)

    assert "grpc" in modules
    assert [] == of((*(each for each in HEAVY if output != "json" or each != "msgspec"), *OURS), modules)


def test_a_look_at_a_snapshot_loads_no_grpc_either(node: Spot) -> None:
    """Nor do the other questions to it."""
    file = node.directory / "snapshot.json"
    done = subprocess.run(
        command("dump", *node.flags, "-o", "json"), env=environment(), capture_output=True, check=True
    )
    file.write_bytes(done.stdout)

    for argv in (("dump",), ("explain", "train"), ("fit", "--cpus=1")):
        modules = loaded(*argv, f"--from={file}")
        assert [] == of((*(each for each in HEAVY if each != "msgspec"), *OURS, "grpc", "google"), modules)


@pytest.mark.parametrize("argv", [("dump", "-o", "json"), ("explain", "train"), ("fit", "--device=example.com/gpu=1")])
def test_a_closed_pipe_ends_a_command_quietly(node: Spot, argv: tuple[str, ...]) -> None:
    """As in `| true`: no traceback, and the exit code is still the answer."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command(*argv, *node.flags), env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)

    assert (0, b"") == (done.returncode, done.stderr)


def test_an_output_that_knows_ascii_only_gets_replacements(node: Spot) -> None:
    """A minimal container has no locale; that must not crash."""
    explained = subprocess.run(
        command("dump", *node.flags, "-o", "csv"),
        env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (explained.returncode, explained.stderr)
    assert explained.stdout.isascii()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_with_0_and_without_a_traceback(node: Spot, number: signal.Signals) -> None:
    """Ctrl-C, or the end of a pod."""
    out = node.directory / "out"
    with out.open("wb") as output:
        process = subprocess.Popen(
            command("dump", "--watch", "--snapshot.hold-down=0s", *node.flags),
            env=environment(),
            stdout=output,
            stderr=subprocess.PIPE,
        )
        assert eventually(lambda: b"GPU-ab" in out.read_bytes())
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert (0, b"") == (process.returncode, err)


@contextmanager
def looking(node: Spot, *argv: str, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command at a kubelet that hangs; it is gone afterwards, and the kubelet well."""
    node.kubelet.hang()
    with subprocess.Popen(
        command(*argv, *node.flags, before=before),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            node.kubelet.resume()
            process.kill()


@pytest.mark.parametrize(
    "argv", [("dump",), ("explain", "train"), ("fit", "--cpus=1"), ("check",)], ids=lambda it: it[0]
)
def test_ctrl_c_ends_a_look_at_a_kubelet_that_hangs(node: Spot, argv: tuple[str, ...]) -> None:
    """At once, with the exit code that shells expect, and without a traceback."""
    with looking(node, *argv) as process:
        assert eventually(lambda: node.kubelet.calls["List"] > 0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SOON_SECONDS)

    assert (130, b"", b"") == (process.returncode, out, err)


@pytest.mark.parametrize("module", MOMENTS)
def test_ctrl_c_ends_a_look_that_is_still_being_loaded(node: Spot, module: str) -> None:
    """Half of the time that a command takes are imports, and they have callbacks where Python drops exceptions."""
    with looking(node, "dump", before=["-X", "importtime"]) as process:
        assert process.stderr is not None
        assert any(line.rpartition(b"|")[2].strip().decode() == module for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SOON_SECONDS)

    said = [line for line in err.splitlines() if not line.startswith(b"import time:")]
    assert (130, b"", []) == (process.returncode, out, said)


def test_a_look_in_a_scripts_background_is_left_alone(node: Spot) -> None:
    """Shells start it with SIGINT ignored (POSIX, Shell Command Language, 2.11); Ctrl-C is for the foreground."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with looking(node, "dump", "-o", "csv") as process:
        assert eventually(lambda: node.kubelet.calls["List"] > 0)
        process.send_signal(signal.SIGINT)
        node.kubelet.resume()
        out, err = process.communicate(timeout=60)

    assert (0, b"") == (process.returncode, err)
    assert b"train" in out
