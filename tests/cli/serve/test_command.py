"""`serve` in the test process: flags reach the parts they configure."""

import base64
import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from api_rig import pod
from web_rig import CHEAP, ask, client, client_context, tls_folder, write_config

from podres_exporter import __version__
from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cli import main
from podres_exporter.cli.serve.command import configured
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.sim import FixedAnswers, SimKubelet
from podres_exporter.sim.api import PODS, ApiServer, Store, kubeconfig

Page = tuple[int, str]

GPU = pb.ContainerDevices(
    resource_name="example.com/gpu", device_ids=["GPU-0"], topology=pb.NUMATopology(nodes=[pb.NUMANode(ID=0)])
)
TRAIN = pb.PodResources(
    name="train", namespace="ml", containers=[pb.ContainerResources(name="main", devices=[GPU], cpu_ids=[2, 3])]
)
ANSWERS = FixedAnswers(
    pb.ListPodResourcesResponse(pod_resources=[TRAIN]).SerializeToString(),
    pb.AllocatableResourcesResponse(devices=[GPU], cpu_ids=[1, 2, 3]).SerializeToString(),
    {("ml", "train"): pb.GetPodResourcesResponse(pod_resources=TRAIN).SerializeToString()},
)


@pytest.fixture(autouse=True)
def _node_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a node without an API server, whatever this machine is called."""
    monkeypatch.setenv("NODE_NAME", "node1")
    monkeypatch.setenv("PODRES_METADATA_SOURCE", "none")


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """Return a /sys with one NUMA node of four CPUs."""
    folder = tmp_path / "sys/devices/system/node/node0"
    folder.mkdir(parents=True)
    (folder / "cpulist").write_text("0-3\n", encoding="ascii")
    return tmp_path / "sys"


@pytest.fixture
def kubelet(short_dir: Path) -> Iterator[SimKubelet]:
    """Yield a running kubelet with one pod."""
    with SimKubelet(short_dir / "pod-resources/kubelet.sock", ANSWERS, SystemClock()) as kubelet:
        yield kubelet


@pytest.fixture
def port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


def page(port: int, path: str) -> Page:
    """Return status and body; 0 and nothing if no server listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


def run_until(
    is_seen: Callable[[], bool], argv: list[str], number: signal.Signals = signal.SIGTERM
) -> tuple[int, bool]:
    """Run a command; send it the signal when *is_seen*, or after two minutes. Return its exit code and whether seen."""
    clock, ended, seen = SystemClock(), threading.Event(), []

    def watch() -> None:
        deadline = clock.monotonic_seconds() + 120
        while not ended.wait(0.02) and clock.monotonic_seconds() < deadline:
            if is_seen():
                seen.append(True)
                break
        os.kill(os.getpid(), number)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = main(argv)
    ended.set()
    watcher.join()
    return code, bool(seen)


def serve(port: int, kubelet: SimKubelet, sysfs: Path, *flags: str) -> list[str]:
    """Return a command line that believes the simulated kubelet at once, though its socket is new."""
    return [
        "serve",
        f"--kubelet.socket={kubelet.socket_path}",
        f"--topology.sysfs={sysfs}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--snapshot.hold-down=0s",
        *flags,
    ]


def test_serve_shows_what_the_kubelet_says_and_ends_with_0(
    port: int, kubelet: SimKubelet, sysfs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main job, end to end, in front of a real socket; the log says where it listens and as which node."""
    seen: dict[str, Page] = {}

    def is_ready() -> bool:
        seen.update({path: page(port, path) for path in ("/-/ready", "/metrics", "/-/healthy", "/")})
        return seen["/-/ready"][0] == 200

    code, was_seen = run_until(is_ready, serve(port, kubelet, sysfs, "--node-name=worker-1"))
    seen_metrics = seen["/metrics"][1]
    events = [line for line in capsys.readouterr().err.splitlines() if " event=st" in line]

    assert was_seen
    assert 0 == code
    assert 'podres_container_devices{node="worker-1",namespace="ml",pod="train",container="main"' in seen_metrics
    assert 'podres_node_exclusive_cpus{node="worker-1",numa_node="0"} 2' in seen_metrics
    assert (200, "the poll loop is running") == (seen["/-/healthy"][0], seen["/-/healthy"][1].strip())
    assert 200 == seen["/"][0]
    assert [
        f"event=started version={__version__} node=worker-1 urls=http://127.0.0.1:{port}/metrics",
        "event=stopped",
    ] == [line.partition("level=info ")[2] for line in events]


def test_an_interrupt_ends_serve_as_a_termination_does(port: int, kubelet: SimKubelet, sysfs: Path) -> None:
    """Ctrl-C is how a person ends it."""
    assert (0, True) == run_until(
        lambda: page(port, "/-/healthy")[0] == 200, serve(port, kubelet, sysfs), signal.SIGINT
    )


def test_the_flags_of_the_page_reach_the_page(
    port: int, kubelet: SimKubelet, sysfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path of its own, no label `node`, a collector off by flag, one off and one on by variable."""
    monkeypatch.setenv("PODRES_COLLECTOR_ALIGNMENT", "false")
    monkeypatch.setenv("PODRES_COLLECTOR_CPU_INFO", "true")
    flags = ("--web.telemetry-path=/podres", "--no-metrics.node-label", "--no-collector.node-cpus")
    texts = []

    def is_ready() -> bool:
        texts.append(page(port, "/podres")[1])
        return "podres_container_devices{" in texts[-1]

    code, was_seen = run_until(is_ready, serve(port, kubelet, sysfs, *flags))

    assert (0, True) == (code, was_seen)
    assert 'podres_container_devices{namespace="ml",pod="train"' in texts[-1]
    assert 'podres_cpu_info{namespace="ml",pod="train"' in texts[-1]
    assert "podres_node_exclusive_cpus" not in texts[-1]
    assert "podres_container_numa_aligned" not in texts[-1]


def test_cgroups_are_read_where_they_are_asked_for(port: int, kubelet: SimKubelet, sysfs: Path) -> None:
    """The collector reads them; without metadata it can only count what it cannot compare."""
    texts = []

    def is_counted() -> bool:
        texts.append(page(port, "/metrics")[1])
        return "podres_node_cpuset_unread_containers{" in texts[-1]

    flags = ("--collector.cpuset-drift", f"--cgroup.root={sysfs}")
    code, was_seen = run_until(is_counted, serve(port, kubelet, sysfs, "--node-name=worker-1", *flags))

    assert (0, True) == (code, was_seen)
    assert 'podres_node_cpuset_unread_containers{node="worker-1",reason="no_metadata"} 1' in texts[-1]


def test_the_log_is_written_as_asked_for(
    port: int, kubelet: SimKubelet, sysfs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--log.format json`, from the environment; `--log.level` by flag keeps what is no warning out."""
    monkeypatch.setenv("PODRES_LOG_FORMAT", "json")
    run_until(lambda: page(port, "/-/ready")[0] == 200, serve(port, kubelet, sysfs))
    lines = capsys.readouterr().err.splitlines()
    run_until(lambda: page(port, "/-/ready")[0] == 200, serve(port, kubelet, sysfs, "--log.level=warning"))

    assert [] == [line for line in lines if not line.startswith('{"ts": ')]
    assert [] != [line for line in lines if '"level": "info"' in line]
    assert [] == [line for line in capsys.readouterr().err.splitlines() if '"level": "info"' in line]


def test_serve_without_a_kubelet_is_healthy_but_not_ready(port: int, short_dir: Path, sysfs: Path) -> None:
    """Liveness says nothing of the kubelet; readiness waits for the first answer and says so."""
    socket_path = short_dir / "kubelet.sock"
    seen: dict[str, Page] = {}

    def is_asked() -> bool:
        seen.update({path: page(port, path) for path in ("/-/ready", "/-/healthy", "/metrics")})
        return 'podres_source_up{source="kubelet"} 0' in seen["/metrics"][1]

    argv = [
        "serve",
        f"--kubelet.socket={socket_path}",
        f"--topology.sysfs={sysfs}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    assert (0, True) == run_until(is_asked, argv)
    assert 200 == seen["/-/healthy"][0]
    assert 503 == seen["/-/ready"][0]
    assert "waiting for the kubelet's first answer" in seen["/-/ready"][1]


def test_a_web_config_file_makes_it_tls_with_passwords(
    port: int, kubelet: SimKubelet, sysfs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the flag to the page: the log prints the right URL, and the page says that the file is good."""
    ca = trustme.CA()
    path = tls_folder(tmp_path, ca)
    content = json.loads(path.read_text()) | {"basic_auth_users": {"alice": CHEAP}}
    path.write_text(json.dumps(content))
    header = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}
    seen: dict[str, object] = {}

    def is_ready() -> bool:
        try:
            with client(port, client_context(ca)) as connection:
                seen["probe"] = ask(connection, "/-/ready")[0].status
                seen["nobody"] = ask(connection)[0].status
                seen["alice"] = ask(connection, **header)[1].decode()
        except OSError:
            return False
        return seen["probe"] == 200

    code, was_seen = run_until(is_ready, serve(port, kubelet, sysfs, f"--web.config.file={path}"))
    err = capsys.readouterr().err

    assert (0, True) == (code, was_seen)
    assert 401 == seen["nobody"]
    assert "\npodres_web_config_last_reload_successful 1.0\n" in str(seen["alice"])
    assert f"urls=https://127.0.0.1:{port}/metrics" in err


def test_without_a_web_config_file_its_metrics_are_not_there(port: int, kubelet: SimKubelet, sysfs: Path) -> None:
    """They would say that a file is good where there is none."""
    texts: list[str] = []

    def is_ready() -> bool:
        texts.append(page(port, "/metrics")[1])
        return "podres_container_devices{" in texts[-1]

    assert (0, True) == run_until(is_ready, serve(port, kubelet, sysfs))
    assert "podres_web_config" not in texts[-1]


def test_every_fault_of_a_web_config_file_is_named_and_nothing_is_served(
    short_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage, exit code 2."""
    path = write_config(tmp_path, {"basic_auth_users": {"a": "x"}, "tls_server_config": {"cert_file": "no.pem"}})
    code = main(["serve", f"--kubelet.socket={short_dir}/k", f"--web.config.file={path}"])
    err = capsys.readouterr().err

    assert 2 == code
    assert f"podres-exporter: {path}: tls_server_config.key_file: missing one of key or key_file\n" in err
    assert f'podres-exporter: {path}: basic_auth_users["a"]: is not a bcrypt hash; ' in err
    assert f"podres-exporter: {path}: tls_server_config.cert_file: {tmp_path}/no.pem: cannot be read: " in err


def test_every_address_that_is_taken_is_named(short_dir: Path, sysfs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, exit code 2: the user has to choose another one; both are said at once."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in (one, two)]
        code = main(
            [
                "serve",
                f"--kubelet.socket={short_dir}/kubelet.sock",
                f"--topology.sysfs={sysfs}",
                *(f"--web.listen-address={address}" for address in taken),
            ]
        )
    faults = capsys.readouterr().err.splitlines()[:-1]

    assert 2 == code
    assert [
        f"podres-exporter: cannot listen on {address}: the address is in use; "
        "stop the other process or choose another port; see --web.listen-address"
        for address in taken
    ] == faults


def test_faults_of_the_command_line_come_before_those_of_the_values() -> None:
    """Both kinds in one message."""
    with pytest.raises(ConfigError) as caught:
        configured({"--log.level": "trace"}, {"NODE_NAME": "node1"}, ["serve has no flag --x"])

    assert "serve has no flag --x" == caught.value.problems[0]
    assert caught.value.problems[1].startswith("--log.level: ")
    assert 2 == len(caught.value.problems)


def test_faults_of_the_command_line_alone_are_enough_to_refuse() -> None:
    """A flag that does not exist is never ignored."""
    with pytest.raises(ConfigError) as caught:
        configured({}, {"NODE_NAME": "node1"}, ["serve has no flag --x"])

    assert ("serve has no flag --x",) == caught.value.problems


def test_the_node_is_named_after_the_host_where_nobody_names_it() -> None:
    """The kubelet's own default."""
    assert "node1" == configured({}, {"NODE_NAME": "node1"}, []).node_name

    name = socket.gethostname().lower()

    assert name == configured({"--node-name": name}, {}, []).node_name


def test_serve_outside_a_cluster_says_what_is_missing_and_what_would_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter that can never reach its API server must not seem to run."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    code = main(["serve", "--metadata.source=apiserver"])
    error = capsys.readouterr().err

    assert 2 == code
    assert "KUBERNETES_SERVICE_HOST" in error
    assert "--metadata.kubeconfig" in error
    assert "--metadata.source=none" in error


def test_serve_names_a_kubeconfig_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Which file, and which flag."""
    missing = tmp_path / "kubeconfig"
    code = main(["serve", "--metadata.source=apiserver", f"--metadata.kubeconfig={missing}"])
    error = capsys.readouterr().err

    assert 2 == code
    assert str(missing) in error
    assert "--metadata.kubeconfig" in error


def test_serve_adds_who_the_pods_are_where_an_api_server_tells(
    port: int, kubelet: SimKubelet, sysfs: Path, tmp_path: Path
) -> None:
    """Flags reach the API server, and what it says reaches the page; labels only if they are allowed."""
    store = Store(SystemClock())
    store.create(PODS, pod("train", node="node1", labels={"app": "train", "secret": "x"}))
    with ApiServer(store, SystemClock()) as api:
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(api.url), encoding="utf-8")
        flags = (
            "--metadata.source=apiserver",
            f"--metadata.kubeconfig={path}",
            "--metadata.pod-labels-allowlist=pods=[app]",
        )
        label = 'podres_pod_labels{node="node1",namespace="ml",pod="train",label_app="train"} 1'
        result = run_until(lambda: label in page(port, "/metrics")[1], serve(port, kubelet, sysfs, *flags))

    assert (0, True) == result
