"""The daemon as a process: signals, scrapes and exit codes."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Process, Start, eventually, get
from prometheus_client.parser import text_string_to_metric_families

from podres_exporter.clock import SystemClock
from podres_exporter.sim import FixedAnswers, SimKubelet

Sample = tuple[dict[str, str], float]

ALLOCATION = re.compile(r"^podres_(container|pod|node|cpu)_", re.MULTILINE)


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """Return a /sys with one NUMA node."""
    folder = tmp_path / "sys/devices/system/node/node0"
    folder.mkdir(parents=True)
    (folder / "cpulist").write_text("0-3\n", encoding="ascii")
    return tmp_path / "sys"


def serve(socket_path: Path, sysfs: Path, *flags: str) -> tuple[str, ...]:
    return (
        "serve",
        f"--kubelet.socket={socket_path}",
        f"--topology.sysfs={sysfs}",
        "--metadata.source=none",
        "--web.listen-address=127.0.0.1:0",
        *flags,
    )


def samples(text: str, name: str) -> list[Sample]:
    """Return the samples of a name."""
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def labels(text: str, name: str, label: str) -> set[str]:
    return {own[label] for own, _ in samples(text, name)}


def value(text: str, name: str, **wanted: str) -> float:
    """Return the value of the one sample with these labels."""
    (found,) = [value for own, value in samples(text, name) if wanted.items() <= own.items()]
    return found


@pytest.fixture(scope="module")
def demo() -> Iterator[Process]:
    """Yield a demo with its own defaults, on a free port."""
    directory = Path(tempfile.mkdtemp(prefix="pr"))
    process = Process(directory, "demo", "--web.listen-address", "127.0.0.1:0")
    yield process
    process.dispose()
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def metrics_url(demo: Process) -> str:
    return demo.url() + "/metrics"


def with_allocation(text: str) -> str | None:
    """Return the page if it shows what is held and what is free: of a young kubelet the second is known later."""
    shown = ("podres_container_devices{", 'podres_node_free_devices{node="demo-node",resource="nvidia.com/gpu"')
    return text if all(name in text for name in shown) else None


@pytest.fixture(scope="module")
def page(metrics_url: str) -> str:
    """Return the first page of the demo that shows an allocation."""
    return eventually(lambda: with_allocation(get(metrics_url)[1]))


class TestDemo:
    """What a newcomer sees within a minute."""

    def test_it_prints_the_url_of_the_metrics(self, demo: Process) -> None:
        """The URL begins a line, ready to be clicked on."""
        assert f"\n    {demo.url()}/metrics " in demo.out

    def test_it_shows_two_numa_nodes(self, page: str) -> None:
        """A machine with one node would have no NUMA to look at."""
        assert {"0", "1"} == labels(page, "podres_node_allocatable_cpus", "numa_node")

    def test_it_shows_several_resources(self, page: str) -> None:
        """Vendor neutral: GPUs, shares of one, virtual functions, and a plugin that states no topology."""
        expected = {"nvidia.com/gpu", "nvidia.com/gpu.shared", "openshift.io/sriov_dpdk", "rdma/hca_shared"}

        assert expected == labels(page, "podres_node_allocatable_devices", "resource")
        assert expected == labels(page, "podres_container_device_info", "resource")

    def test_it_shows_exclusive_cpus(self, page: str) -> None:
        """Two times eight hardware threads of one node."""
        trainer = {"pod": "train-llm-0", "container": "trainer"}

        assert value(page, "podres_container_exclusive_cpus", **trainer, numa_node="0") == pytest.approx(16)
        assert value(page, "podres_container_cpuset_info", **trainer, cpus="1-8,33-40") == pytest.approx(1)

    def test_it_shows_memory_and_huge_pages(self, page: str) -> None:
        """Blocks of the static memory manager."""
        upf = {"pod": "upf-0", "container": "dpdk", "numa_nodes": "0"}
        name = "podres_container_memory_bytes"

        assert value(page, name, **upf, memory_type="memory") == pytest.approx(4 * 2**30)
        assert value(page, name, **upf, memory_type="hugepages-1Gi") == pytest.approx(8 * 2**30)
        assert {"0", "1"} == labels(page, name, "numa_nodes")

    def test_it_shows_the_devices_of_dra_claims(self, page: str) -> None:
        """Driver, pool and device of each, and the share of a device that several claims may use."""
        name = "podres_container_claim_device_info"
        farm = {own["device"] for own, _ in samples(page, name) if own["claim"] == "farm-0-gpus"}

        assert {"gpu-0", "gpu-1"} == farm
        assert {"gpu.example.com"} == labels(page, name, "driver")
        assert 2 == len(labels(page, name, "share_id"))
        assert 3 == len(samples(page, "podres_container_claim_cdi_device_info"))

    def test_it_shows_a_misaligned_container_beside_aligned_ones(self, page: str) -> None:
        """One node could have served it, but neither had so many CPUs left when it came."""
        name = "podres_container_numa_aligned"
        misaligned = {own["pod"] for own, value in samples(page, name) if not value}

        assert {"inference-7c9d5b8f6-x2lkq"} == misaligned
        assert {"train-llm-0", "upf-0", "olap-0"} <= labels(page, name, "pod")

    def test_it_shows_what_is_left(self, page: str) -> None:
        """Free by sets of ids: all GPUs of node 0 are held, two of four virtual functions of node 1 are not."""
        name = "podres_node_free_devices"

        assert value(page, name, resource="nvidia.com/gpu", numa_nodes="0") == pytest.approx(0)
        assert value(page, name, resource="openshift.io/sriov_dpdk", numa_nodes="1") == pytest.approx(2)
        assert value(page, name, resource="rdma/hca_shared", numa_nodes="") == pytest.approx(2)

    def test_it_shows_a_device_that_falls_sick_and_is_still_held(self, metrics_url: str) -> None:
        """Held and no longer allocatable, so neither free nor forgotten."""

        def sick() -> float | None:
            page = get(metrics_url)[1]
            held = value(page, "podres_node_unallocatable_held_devices", resource="nvidia.com/gpu", numa_nodes="1")
            return held or None

        assert eventually(sick) == pytest.approx(1)

    def test_it_shows_every_line_that_readme_shows(self, metrics_url: str) -> None:
        """README's sample is real output."""
        readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
        wanted = set(readme.partition("What the demo shows")[2].split("```")[1].strip().splitlines())

        def all_shown() -> bool | None:
            return wanted <= set(get(metrics_url)[1].splitlines()) or None

        assert 5 == len(wanted)
        assert eventually(all_shown)

    def test_it_changes_while_one_watches(self, page: str, metrics_url: str) -> None:
        """Pods come and go."""

        def holders(text: str) -> frozenset[tuple[str, str]]:
            return frozenset((own["pod"], own["device"]) for own, _ in samples(text, "podres_container_device_info"))

        def changed() -> str | None:
            now = with_allocation(get(metrics_url)[1])
            return now if now and holders(now) != holders(page) else None

        after = eventually(changed)
        gone_or_new = {pod for pod, _ in holders(after) ^ holders(page)}

        assert gone_or_new <= {"jupyter-alan", "etl-29387520-w7xqd", "packet-replay"}

    def test_it_is_healthy_and_ready(self, demo: Process, page: str) -> None:
        """As a kubelet's probes would see it."""
        assert with_allocation(page)
        assert [200, 200] == [get(f"{demo.url()}/-/{probe}")[0] for probe in ("healthy", "ready")]

    def test_its_page_has_the_names_and_labels_of_the_catalogue_and_no_others(self, page: str) -> None:
        """The catalogue is a contract: `metrics` as a process of its own is compared with a scrape."""
        run = subprocess.run(
            [sys.executable, "-m", "podres_exporter", "metrics", "-o", "json"], capture_output=True, check=True
        )
        catalogue = {each["name"]: set(each["labels"]) for each in json.loads(run.stdout)}
        shown = {
            re.sub(r"(?<=_seconds)_(bucket|sum|count)$", "", sample.name): {
                re.sub("^label_.*", "label_*", label) for label in sample.labels.keys() - {"le"}
            }
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name.startswith("podres_")
        }

        assert len(shown) > 30
        assert {name: catalogue.get(name) for name in shown} == shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: str(number.name))
def test_a_signal_ends_the_demo_and_nothing_is_left(start: Start, number: signal.Signals) -> None:
    """Exit code 0, no directory in the temporary one, no traceback."""
    demo = start("demo", "--web.listen-address=127.0.0.1:0", "--snapshot.hold-down=0s")
    url = demo.url()
    eventually(lambda: with_allocation(get(f"{url}/metrics")[1]))

    assert 1 == len(list(demo.temporary.iterdir()))
    code = demo.end(number)
    assert 0 == code, demo.err
    assert [] == list(demo.temporary.iterdir())
    assert "Traceback" not in demo.err
    assert (0, "") == get(f"{url}/metrics")


def test_a_demo_in_a_temporary_directory_with_a_long_path_ends_in_a_sentence(start: Start, tmp_path: Path) -> None:
    """A socket's path has 107 bytes at most; what to do about it is said in words, not in a traceback."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    demo = start("demo", "--web.listen-address=127.0.0.1:0", TMPDIR=str(long))
    code = demo.exit_code()

    assert "Traceback" not in demo.err
    assert 2 == code
    assert str(long) in demo.err


def test_serve_without_a_kubelet_says_so_and_invents_nothing(start: Start, short_dir: Path, sysfs: Path) -> None:
    """Unavailable is never empty: source up is 0 and no family of the allocation is there."""
    process = start(*serve(short_dir / "kubelet.sock", sysfs))
    url = process.url()

    def after_a_poll() -> str | None:
        text = get(f"{url}/metrics")[1]
        return text if 'podres_source_up{source="topology"} 1' in text else None

    text = eventually(after_a_poll)
    status, reason = get(f"{url}/-/ready")

    assert None is ALLOCATION.search(text)
    assert value(text, "podres_source_up", source="kubelet") == pytest.approx(0)
    assert 200 == get(f"{url}/-/healthy")[0]
    assert 503 == status
    assert "waiting for the kubelet's first answer" in reason
    assert "unavailable" in reason
    assert str(short_dir / "kubelet.sock") in reason
    shown = get(f"{url}/")[1]
    assert "No allocation to show:" in shown
    assert "The last error: List: " in shown
    assert str(short_dir / "kubelet.sock") in shown
    code = process.end()
    assert 0 == code, process.err


def test_a_kubelet_that_stays_away_is_logged_once_and_its_return_once(
    start: Start, short_dir: Path, sysfs: Path
) -> None:
    """Transitions are logged, not states: one line per outage, one when it is over, however many polls."""
    path = short_dir / "kubelet.sock"
    process = start(*serve(path, sysfs, "--kubelet.poll-interval=1s", "--snapshot.hold-down=0s"))
    url = f"{process.url()}/metrics"

    def after_four_failures() -> str | None:
        text = get(url)[1]
        failed = sum(value for _, value in samples(text, "podres_kubelet_rpc_errors_total"))
        return text if failed >= 4 else None

    eventually(after_four_failures)
    down = process.events("source.down")
    with SimKubelet(path, FixedAnswers(), SystemClock()):
        eventually(lambda: 'podres_source_up{source="kubelet"} 1' in get(url)[1] or None)
        lines = [line.partition(" event=")[2].split(" outage")[0] for line in process.err.splitlines()]
        up = [line for line in process.events("source.up") if "kubelet" in line]

    assert 1 == len(down)
    assert "source=kubelet reason=unavailable" in down[0]
    assert 1 == len(up)
    assert "outage_seconds=" in up[0]
    assert sorted(set(lines)) == sorted(lines)


def test_serve_ends_while_a_call_hangs(start: Start, short_dir: Path, sysfs: Path) -> None:
    """SIGTERM does not wait for the kubelet's deadline; the end is a good one, and nothing is a bug."""
    with SimKubelet(short_dir / "kubelet.sock", FixedAnswers(), SystemClock()) as kubelet:
        kubelet.hang()
        process = start(*serve(kubelet.socket_path, sysfs, "--kubelet.timeout=10m", "--snapshot.max-age=20m"))
        url = process.url()
        eventually(lambda: kubelet.calls["List"] or None)
        status, text = get(f"{url}/metrics")
        code = process.end()

    assert 200 == status
    assert None is ALLOCATION.search(text)
    assert 0 == code, process.err
    assert "Traceback" not in process.err
    assert [] == process.events("poll.failed")


def test_serve_ends_even_where_the_kernel_does_not_answer(start: Start, short_dir: Path, sysfs: Path) -> None:
    """A read that cannot be cancelled must not keep the process: it ends in time, and 1 tells that a thread did not."""
    cpulist = sysfs / "devices/system/node/node0/cpulist"
    cpulist.unlink()
    os.mkfifo(cpulist)
    process = start(*serve(short_dir / "kubelet.sock", sysfs))
    url = process.url()
    eventually(lambda: get(f"{url}/-/healthy")[0] == 200 or None)
    code = process.end()

    assert 1 == code, process.err


def test_an_address_in_use_is_wrong_usage_and_named(start: Start, short_dir: Path) -> None:
    """Exit code 2 and a sentence: the user has to choose another address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        flags = f"--kubelet.socket={short_dir}/k", f"--web.listen-address={address}", "--metadata.source=none"
        process = start("serve", *flags)
        code = process.exit_code()

    assert 2 == code
    assert f"cannot listen on {address}: the address is in use" in process.err
    assert "Traceback" not in process.err
    assert "" == process.out


def test_wrong_flags_and_variables_end_the_process_with_2_before_anything_is_bound(start: Start) -> None:
    """The environment of the process is read, and each fault is a line."""
    process = start("serve", "--log.level=trace", PODRES_WEB_MAX_REQUESTS="0")
    code = process.exit_code()

    assert 2 == code
    assert [
        "podres-exporter: PODRES_WEB_MAX_REQUESTS: '0' is not a whole number from 1 to 1000",
        "podres-exporter: --log.level: 'trace' is unknown; choose debug, info, warning or error",
        "podres-exporter: see podres-exporter serve --help",
    ] == process.err.splitlines()


def test_a_reader_that_has_seen_enough_of_the_catalogue_causes_no_traceback() -> None:
    """`podres-exporter metrics | head -1` is what people type; the closed pipe is no bug."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        run = subprocess.run(
            [sys.executable, "-m", "podres_exporter", "metrics"], stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)

    assert "Traceback" not in run.stderr.decode()
    assert "BrokenPipeError" not in run.stderr.decode()


def test_a_misspelt_variable_is_named_in_the_log(start: Start, short_dir: Path, sysfs: Path) -> None:
    """It would otherwise be ignored without a word; what is right is not mentioned."""
    process = start(
        *serve(short_dir / "kubelet.sock", sysfs), PODRES_KUBELET_TIMEOT="5s", PODRES_KUBELET_POLL_INTERVAL="5s"
    )
    process.url()

    (line,) = process.events("environment.unknown")
    assert "variable=PODRES_KUBELET_TIMEOT near=PODRES_KUBELET_TIMEOUT" in line
    assert 0 == process.end()
