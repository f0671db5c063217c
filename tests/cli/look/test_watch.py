"""`dump --watch`: a line for each change, until a signal."""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import grpc
import pytest
from document_samples import everything
from dra_rig import played
from eventually import eventually
from look_rig import GPU, NODE, SERVE, TRAIN, Spot, answers, manifest
from raw_server import RawServer, whole

from podres_exporter.cli import main
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.document import encode
from podres_exporter.sim.api import PODS, RESOURCE_SLICES, kubeconfig
from podres_exporter.sim.podresources.answers import RpcFault


class Watcher:
    """Runs `dump --watch` here, and a story beside it; what it writes goes to files, for two threads look at it."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.out, self.err = "", ""

    def __call__(self, *argv: str, story: Callable[[], None], number: signal.Signals = signal.SIGINT) -> int:
        faults: list[BaseException] = []

        def tell() -> None:
            try:
                story()
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                faults.append(error)
            os.kill(os.getpid(), number)

        teller = threading.Thread(target=tell)
        teller.start()
        code = main(["dump", "--watch", *argv])
        teller.join()
        self._read()
        assert [] == faults, (self.out, self.err)
        return code

    def _read(self) -> None:
        captured = self._capfd.readouterr()
        self.out, self.err = self.out + captured.out, self.err + captured.err

    def count(self, text: str) -> int:
        """Return how often it has written a text so far."""
        self._read()
        return (self.out + self.err).count(text)

    def sees(self, text: str) -> bool:
        """Wait until it has written a text."""
        return eventually(lambda: self.count(text) > 0)


@pytest.fixture
def watch(capfd: pytest.CaptureFixture[str]) -> Watcher:
    return Watcher(capfd)


QUICK = ("--snapshot.hold-down=0s", "--kubelet.poll-interval=1s")
"""Believe the simulated kubelet at once, though its socket is new."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_begins_with_everything_and_ends_with_0(node: Spot, watch: Watcher, number: signal.Signals) -> None:
    """Ctrl-C is how a person ends it: no failure, and no traceback. The pod that has finished never shows."""

    def story() -> None:
        assert watch.sees(f"+ web/infer server {GPU} GPU-ab (NUMA node 1)")

    assert 0 == watch(*node.flags, *QUICK, story=story, number=number)
    assert f"+ ml/train main {GPU} GPU-aa (NUMA node 0)" in watch.out
    assert "done" not in watch.out
    assert "" == watch.err


def test_what_slices_and_claims_say_is_told_too(short_dir: Path, watch: Watcher) -> None:
    """Which request has which device, with its UUID and NUMA node; a slice that says something else is a change."""
    scenario = Path(__file__).parents[2] / "golden/dra/scenarios/two-requests.yaml"
    with played(scenario.read_text(encoding="utf-8"), short_dir) as node:

        def story() -> None:
            assert watch.sees("(claim pair, request gpu, uuid GPU-0000, NUMA node 0)")
            assert watch.sees("(claim pair, request nic, NUMA node 1)")
            changed = deepcopy(node.node.store.get(RESOURCE_SLICES, "", "gpus"))
            changed["spec"]["devices"][0]["attributes"]["uuid"] = {"string": "GPU-9999"}
            node.node.store.update(RESOURCE_SLICES, changed)
            assert watch.sees("uuid GPU-0000, NUMA node 0) -> (claim pair, request gpu, uuid GPU-9999, NUMA node 0)")

        assert 0 == watch(*node.flags, *QUICK, story=story)
    assert "ml/train idle" not in watch.out


def test_each_line_has_its_time(node: Spot, watch: Watcher) -> None:
    def story() -> None:
        assert watch.sees("+ web/infer server")

    watch(*node.flags, *QUICK, story=story)
    assert all(re.match(r"20[0-9-]{8}T[0-9:]{8}Z [+~-] ", line) for line in watch.out.splitlines())


def test_with_json_each_change_is_an_object(node: Spot, watch: Watcher) -> None:
    """For programs that read line by line."""

    def story() -> None:
        assert watch.sees("GPU-ab")
        node.kubelet.answers = answers(TRAIN)
        assert watch.sees("removed")

    watch(*node.flags, *QUICK, "--metadata.source=none", "-o", "json", story=story)
    found = [json.loads(line) for line in watch.out.splitlines()]
    gone = [each for each in found if each["change"] == "removed" and "GPU-ab" in each["subject"]]

    assert [(NODE, ["web/infer", "server", GPU, "GPU-ab"], None)] == [
        (each["node"], each["subject"], each["after"]) for each in gone
    ]
    assert "(NUMA node 1)" == gone[0]["before"]
    assert gone[0]["time"].endswith("Z")


def test_what_comes_and_goes_is_told_soon(node: Spot, watch: Watcher) -> None:
    """The API server rings, the kubelet is asked for the pod: the poll interval of an hour is not waited for."""
    store = node.store
    assert store is not None

    def story() -> None:
        assert watch.sees("GPU-ab")
        node.kubelet.answers = answers(TRAIN)
        store.delete(PODS, "web", "infer")
        assert watch.sees(f"- web/infer server {GPU} GPU-ab (NUMA node 1)")
        node.kubelet.answers = answers(TRAIN, SERVE)
        store.create(PODS, manifest("infer", "web"))
        assert eventually(lambda: watch.count("+ web/infer server") == 2)

    assert 0 == watch(
        *node.flags, "--snapshot.hold-down=0s", "--kubelet.poll-interval=1h", "--snapshot.max-age=2h", story=story
    )


def test_a_selection_holds_for_changes_too(node: Spot, watch: Watcher) -> None:
    """A pod that is not there yet is waited for, and that is said once; others are not told of."""

    def story() -> None:
        assert watch.sees("no pod 'late*' on node1")
        assert eventually(lambda: node.kubelet.calls["List"] >= 3)
        late = type(SERVE)()
        late.CopyFrom(SERVE)
        late.name = "late-0"
        node.kubelet.answers = answers(TRAIN, late)
        assert watch.sees(f"+ web/late-0 server {GPU} GPU-ab (NUMA node 1)")
        node.kubelet.answers = answers(TRAIN)
        assert watch.sees("- web/late-0")

    assert 0 == watch(*node.flags, *QUICK, "--metadata.source=none", "--pod", "late*", story=story)
    assert "ml/train" not in watch.out
    assert 1 == watch.err.count("waiting for it")


def test_a_kubelet_that_goes_and_comes_back_is_told(node: Spot, watch: Watcher) -> None:
    """Nothing is said to be gone meanwhile: unavailable is never empty."""

    def story() -> None:
        assert watch.sees("GPU-ab")
        node.kubelet.stop()
        assert watch.sees("~ kubelet up -> down")
        node.kubelet.start()
        assert watch.sees("~ kubelet down -> up")

    assert 0 == watch(*node.flags, *QUICK, "--metadata.source=none", story=story)
    assert "\n- " not in watch.out


def test_a_kubelet_that_is_not_there_yet_is_waited_for(node: Spot, watch: Watcher) -> None:
    """With a sentence that says what is waited for."""
    node.kubelet.override("List", RpcFault(grpc.StatusCode.UNAVAILABLE, "not yet"))

    def story() -> None:
        assert watch.sees("waiting for the kubelet's first answer (kubelet: unavailable: List: not yet")
        assert eventually(lambda: node.kubelet.calls["List"] >= 3)
        node.kubelet.clear_override("List")
        assert watch.sees("GPU-ab")

    assert 0 == watch(*node.flags, *QUICK, "--metadata.source=none", story=story)
    assert 1 == watch.err.count("waiting for")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "without metadata: not running in a pod"),
        (
            {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"},
            "without metadata: no service account",
        ),
    ],
    ids=["outside", "no token"],
)
def test_a_watch_without_credentials_says_so_and_goes_on(
    node: Spot, watch: Watcher, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    """Outside of a cluster, and in a pod without a service account."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def story() -> None:
        assert watch.sees("GPU-ab")

    assert 0 == watch(*node.flags[:3], *QUICK, story=story)
    assert said in watch.err


def test_a_watch_with_a_useless_kubeconfig_is_wrong_usage(node: Spot, capfd: pytest.CaptureFixture[str]) -> None:
    """As without `--watch`."""
    assert 2 == main(["dump", "--watch", *node.flags[:3], "--metadata.kubeconfig=/nowhere"])
    assert "the kubeconfig /nowhere cannot be used" in capfd.readouterr().err


def test_an_api_server_that_is_away_holds_nothing_up_for_long(node: Spot, watch: Watcher) -> None:
    """The first look waits a few seconds at most, less where the server is known to be away."""
    bad = node.directory / "bad"
    bad.write_text((node.directory / "config").read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1"))

    def story() -> None:
        assert watch.sees("GPU-ab")

    assert 0 == watch(*node.flags[:3], f"--metadata.kubeconfig={bad}", *QUICK, story=story)
    assert "without metadata so far" in watch.err


def test_an_exporter_is_watched_from_afar(node: Spot, watch: Watcher) -> None:
    """Through its document, by ETag; when it goes away that is said once, and it is asked on."""
    given: Given = {
        "--kubelet.socket": str(node.kubelet.socket_path),
        "--topology.sysfs": str(node.sysfs),
        "--node-name": "node1",
        "--metadata.source": "none",
        "--snapshot.hold-down": "0s",
        "--kubelet.poll-interval": "1s",
        "--web.listen-address": ["127.0.0.1:0"],
    }
    daemon = Daemon(configured(given, {}, []), {}, SystemClock())
    daemon.start()
    url = daemon.addresses[0].url

    def story() -> None:
        assert watch.sees("GPU-ab")
        node.kubelet.answers = answers(TRAIN)
        assert watch.sees("- web/infer")
        daemon.stop()
        assert watch.sees("no process listens there")

    assert 0 == watch("--url", url, "--kubelet.poll-interval=1s", story=story)
    assert 1 == watch.err.count("no process listens there")


def test_who_has_seen_enough_ends_the_watch(node: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head` closes the pipe: the watch ends at once, without waiting for the next change."""
    reader, writer = os.pipe()

    def look_and_leave() -> None:
        os.read(reader, 1)
        os.close(reader)

    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr("sys.stdout", output)
        closer = threading.Thread(target=look_and_leave)
        closer.start()
        code = main(["dump", "--watch", *node.flags, "--snapshot.hold-down=0s", "--metadata.source=none"])
        closer.join()

    assert 0 == code


def test_who_reads_nothing_at_all_ends_the_watch(node: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a node and with --url: it ends at the first line that is not read."""
    snapshot = encode(everything(), generated_at_seconds=1.0, version="0.1.0")
    codes = []
    with RawServer(whole(json.dumps(snapshot).encode())) as server:
        for way in ((*node.flags, *QUICK, "--metadata.source=none"), ("--url", server.url)):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "w") as output:
                monkeypatch.setattr("sys.stdout", output)
                codes.append(main(["dump", "--watch", *way]))

    assert [0, 0] == codes


def test_an_api_server_that_says_nothing_is_not_waited_for(node: Spot, watch: Watcher) -> None:
    """It accepts and never answers; after three seconds the node is shown without it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = node.directory / "silent"
        config.write_text(kubeconfig(f"http://127.0.0.1:{silent.getsockname()[1]}"))

        def story() -> None:
            assert watch.sees("GPU-ab")

        assert 0 == watch(*node.flags[:3], f"--metadata.kubeconfig={config}", *QUICK, story=story)

    assert "without metadata so far" in watch.err


def test_an_exporter_that_never_answers_well_is_complained_of_once(watch: Watcher) -> None:
    """The same sentence again and again would hide the next one."""
    with RawServer(whole(b"{}")) as server:

        def story() -> None:
            assert eventually(lambda: len(server.heads) >= 3)

        assert 0 == watch("--url", server.url, "--kubelet.poll-interval=1s", story=story)

    assert 1 == watch.err.count("the answer is not a readable snapshot")
