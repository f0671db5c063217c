"""
The exporter beside a real kubelet whose world breaks: is anything held ever shown as free?

Runs where a real node is given, and is skipped everywhere else. It needs an administrator's kubeconfig (KUBECONFIG),
root, the node's own sockets, folders and /sys, and a resource of a device plugin with three free devices, so it runs on
the node, or in its namespaces:

    export PODRES_REAL_NODE=NAME PODRES_REAL_POD=NAMESPACE/NAME PODRES_REAL_CONTROL=PROGRAM
    pytest -s tests/real_node/test_moments.py

PODRES_REAL_POD stands for the exporter's own pod, the witness; if it is a DaemonSet's, it is also deleted, so that
another takes its place. PODRES_REAL_CONTROL is a program that is called with an action and a component, and returns
once it is done: `stop|start kubelet`, `stop|start|freeze|thaw apiserver`, `refuse|accept credentials` (of the kubelet,
from its next start on), `slow|quick allocate` (of the device plugin: some seconds, or at once), and, where
PODRES_REAL_UPGRADE is set, `upgrade kubelet` (to another release, from its next start on).

PODRES_REAL_RESOURCE, PODRES_REAL_CRI, PODRES_REAL_IMAGE and PODRES_REAL_SOURCES say what differs from a common node,
PODRES_REAL_POLL_SECONDS and PODRES_REAL_HOLD_DOWN_SECONDS (short by default) what flags the quick exporters run with,
PODRES_REAL_INTERVALS which run, `quick` ones or those with the defaults of all flags (`shipped`),
PODRES_REAL_AWAY_SECONDS how long an API server is away; PODRES_REAL_RECORD is a file for the samples that differ.

Beside the kubelet several exporters run at once, with and without metadata, in a pod and outside. The pages are read
five times a second and held against what the node itself knows: containers that run, by the runtime, and what they
hold, by the kubelet's checkpoints.
"""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.config import options
from podres_exporter.cpuset import parse_cpuset

NODE, POD = os.environ.get("PODRES_REAL_NODE", ""), os.environ.get("PODRES_REAL_POD", "")
CONTROL = os.environ.get("PODRES_REAL_CONTROL", "")
RESOURCE = os.environ.get("PODRES_REAL_RESOURCE", "example.com/gpu")
RUNTIME = os.environ.get("PODRES_REAL_CRI", "/run/containerd/containerd.sock")
IMAGE = os.environ.get("PODRES_REAL_IMAGE", "busybox")
RECORD = os.environ.get("PODRES_REAL_RECORD", "")
SOURCES = os.environ.get("PODRES_REAL_SOURCES", "apiserver,none,podsapi").split(",")
UPGRADE = bool(os.environ.get("PODRES_REAL_UPGRADE"))
INTERVALS = os.environ.get("PODRES_REAL_INTERVALS", "quick,shipped").split(",")
KUBELET = Path("/var/lib/kubelet")
CLOCK, NEVER = SystemClock(), threading.Event()

POLL_SECONDS = float(os.environ.get("PODRES_REAL_POLL_SECONDS", "2"))
HOLD_DOWN_SECONDS = float(os.environ.get("PODRES_REAL_HOLD_DOWN_SECONDS", "10"))
SAMPLE_SECONDS = 0.2
SLOW_SECONDS = 4.0
"""
When a container has run for a poll interval, and so long on a slow machine, while anybody could tell the exporter, its
devices are expected on a page. What came just before the kubelet went away is not known without metadata.
"""
SHOWN_SECONDS = 2.0
"""The same for what the page shows already: pods come again under their names, with the same device."""
AWAY_SECONDS = float(os.environ.get("PODRES_REAL_AWAY_SECONDS", "40"))
"""Above the maximum age (120 s), rows go too, and with them what is said of free devices."""
SHIPPED_POLL_SECONDS = options.POLL_INTERVAL.parse(options.POLL_INTERVAL.default)
SHIPPED_HOLD_DOWN_SECONDS = options.HOLD_DOWN.parse(options.HOLD_DOWN.default)
LONGEST_HOLD_DOWN_SECONDS = max(HOLD_DOWN_SECONDS, SHIPPED_HOLD_DOWN_SECONDS if "shipped" in INTERVALS else 0.0)
SETTLE_SECONDS = 80.0 + 10 * LONGEST_HOLD_DOWN_SECONDS
"""Longest wait: ten times the hold-down, or a watch that is noticed after 90 s without data; and a retry."""
COUNT = 3

pytestmark = [
    pytest.mark.skipif(
        not (NODE and POD and CONTROL),
        reason="no real node is given: PODRES_REAL_NODE, PODRES_REAL_POD, PODRES_REAL_CONTROL",
    ),
    pytest.mark.timeout(1800),
]

Row = tuple[str, str]
"""A pod's name and a device."""
Holding = tuple[str, str, str]
"""A pod's name, a device or a CPU, and the pod's UID."""


def control(*argv: str) -> None:
    subprocess.run([CONTROL, *argv], timeout=120, check=True, capture_output=True)


def kubectl(*argv: str, given: object = None) -> str:
    text = None if given is None else json.dumps(given)
    done = subprocess.run(["kubectl", *argv], input=text, capture_output=True, text=True, timeout=90, check=True)  # noqa: S607 - the kubectl of the node's administrator
    return done.stdout


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protobuf message: numbers and bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, "no other wire type occurs in a ListContainersResponse"
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size


def message(data: int | bytes) -> dict[int, Any]:
    assert isinstance(data, bytes)
    return dict(fields(data))


class Truth:
    """What the containers that run now hold, without the pod-resources API."""

    def __init__(self) -> None:
        self._channel = grpc.insecure_channel(f"unix:{RUNTIME}", [("grpc.default_authority", "localhost")])
        self._list: Callable[..., bytes] = self._channel.unary_unary("/runtime.v1.RuntimeService/ListContainers")

    def running(self) -> dict[tuple[str, str], str]:
        """Return the names of pods by UID and container."""
        found: dict[tuple[str, str], str] = {}
        for _, each in fields(self._list(b"", timeout=10)):
            container = message(each)
            if container.get(6, 0) != 1:  # CONTAINER_RUNNING
                continue
            assert isinstance(each, bytes)
            labels = [message(value) for number, value in fields(each) if number == 8]
            named = {one[1].decode(): one.get(2, b"").decode() for one in labels}
            key = named["io.kubernetes.pod.uid"], named["io.kubernetes.container.name"]
            found[key] = f"{named['io.kubernetes.pod.namespace']}/{named['io.kubernetes.pod.name']}"
        return found

    def held(self) -> tuple[set[Holding], set[Holding]]:
        """Return who holds which device of the resource, and which exclusive CPU."""
        running = self.running()
        devices, cpus = set[Holding](), set[Holding]()
        for entry in (
            self._state("device-plugins/kubelet_internal_checkpoint").get("Data", {}).get("PodDeviceEntries") or []
        ):
            pod = running.get((entry["PodUID"], entry["ContainerName"]))
            if pod is not None and entry["ResourceName"] == RESOURCE:
                devices.update((pod, device, entry["PodUID"]) for ids in entry["DeviceIDs"].values() for device in ids)
        for uid, containers in (self._state("cpu_manager_state").get("entries") or {}).items():
            for container, listed in containers.items():
                pod = running.get((uid, container))
                if pod is not None:
                    cpus.update((pod, str(cpu), uid) for cpu in parse_cpuset(listed))
        return devices, cpus

    @staticmethod
    def _state(name: str) -> dict[str, Any]:
        """Return a state file of the kubelet, which replaces it as a whole."""
        try:
            return dict(json.loads((KUBELET / name).read_text()))
        except FileNotFoundError:
            return {}


@dataclass
class Page:
    """What a page says."""

    devices: set[Row]
    free: float | None
    exclusive: float | None
    pool: float | None
    retained: float
    sources: dict[str, float]

    @property
    def can_know(self) -> bool:
        """Return whether a new pod can be known, from the kubelet or from pod metadata with a source of its own."""
        return bool(self.sources.get("kubelet") or self.sources.get("metadata"))

    @property
    def is_quiet(self) -> bool:
        return all(self.sources.values()) and not self.retained and None not in {self.free, self.exclusive}


class Exporter:
    """One `serve` of a kind; *pod* is the name of its own pod, "" outside a pod."""

    def __init__(self, name: str, port: int, *flags: str, pod: str, poll_seconds: float) -> None:
        self.name, self.url, self.pod = name, f"http://127.0.0.1:{port}/metrics", pod
        self.grace_seconds = poll_seconds + SLOW_SECONDS
        self.is_unaided = not pod and "--metadata.source=none" in flags
        self._argv = [sys.executable, "-m", "podres_exporter", "serve", f"--node-name={NODE}"]
        self._argv += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warning", *flags]
        self.process = self._begin()

    def _begin(self) -> "subprocess.Popen[bytes]":
        self.has_answered = False
        environment = {key: value for key, value in os.environ.items() if key not in {"POD_NAMESPACE", "POD_NAME"}}
        if self.pod:
            environment["POD_NAMESPACE"], _, environment["POD_NAME"] = self.pod.partition("/")
        log = Path(RECORD).with_suffix(f".{self.name}.log") if RECORD else Path(os.devnull)
        with log.open("ab") as output:
            return subprocess.Popen(self._argv, env=environment, stderr=output)

    def renew(self, pod: str) -> None:
        """Begin another process in its place, in the given pod."""
        self.stop()
        self.pod = pod
        self.process = self._begin()

    def page_if_up(self) -> Page | None:
        """Return its page; None while a new process has not answered yet."""
        with suppress(OSError) if not self.has_answered else nullcontext():
            page = self.page()
            self.has_answered = True
            return page
        assert self.process.poll() is None, f"{self.name} has ended by itself"
        return None

    def page(self) -> Page:
        with urllib.request.urlopen(self.url, timeout=10) as answer:  # noqa: S310 - ours, on loopback
            lines = answer.read().decode().splitlines()
        sums: dict[str, float] = {}
        devices, sources = set[Row](), dict[str, float]()
        for line in lines:
            if line.startswith("#"):
                continue
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if name == "podres_container_device_info" and told["resource"] == RESOURCE:
                devices.add((f"{told['namespace']}/{told['pod']}", told["device"]))
            elif name == "podres_source_up":
                sources[told["source"]] = float(value)
            elif told.get("resource", RESOURCE) == RESOURCE:
                sums[name] = sums.get(name, 0.0) + float(value)
        return Page(
            devices,
            sums.get("podres_node_free_devices"),
            sums.get("podres_node_exclusive_cpus"),
            sums.get("podres_node_shared_pool_cpus"),
            sums.get("podres_pods_retained", 0.0),
            sources,
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def exporters() -> Iterator[list[Exporter]]:
    api = ["--metadata.source=apiserver", f"--metadata.kubeconfig={os.environ['KUBECONFIG']}"]
    kinds = {"apiserver": api, "none": ["--metadata.source=none"], "podsapi": ["--metadata.source=podsapi"]}
    quick = [f"--kubelet.poll-interval={POLL_SECONDS:g}s", f"--snapshot.hold-down={HOLD_DOWN_SECONDS:g}s"]
    intervals = {"quick": (quick, POLL_SECONDS), "shipped": ([], SHIPPED_POLL_SECONDS)}
    with ExitStack() as stack:
        started: list[Exporter] = []
        for source, place, interval in product(SOURCES, ("pod", "host"), INTERVALS):
            flags, poll_seconds = intervals[interval]
            flags = [*kinds[source], *flags]
            name, port = f"{source}-{place}-{interval}", 10310 + len(started)
            pod = POD if place == "pod" else ""
            started.append(Exporter(name, port, *flags, pod=pod, poll_seconds=poll_seconds))
            stack.callback(started[-1].stop)
        yield started


class Own:
    """The pod of the exporters that run in one."""

    def __init__(self, pod: str) -> None:
        self.namespace, _, self.name = pod.partition("/")
        self.owner = self._owner(json.loads(kubectl("get", "pod", "-n", self.namespace, self.name, "-o", "json")))

    def delete(self, *flags: str) -> None:
        if not self.owner:
            pytest.skip("no DaemonSet would make another pod for the exporter")
        kubectl("delete", "pod", "-n", self.namespace, self.name, "--wait=false", *flags)

    def succeed(self) -> bool:
        """Return whether its DaemonSet has made another pod on this node, which it is from now on."""
        for each in json.loads(kubectl("get", "pod", "-n", self.namespace, "-o", "json"))["items"]:
            metadata, on_this_node = each["metadata"], each["spec"].get("nodeName") == NODE
            is_another = metadata["name"] != self.name and "deletionTimestamp" not in metadata
            if is_another and on_this_node and self._owner(each) == self.owner:
                self.name = metadata["name"]
                return True
        return False

    @staticmethod
    def _owner(pod: dict[str, Any]) -> str:
        owners = pod["metadata"].get("ownerReferences", [])
        return next((str(each["uid"]) for each in owners if each["kind"] == "DaemonSet"), "")


@dataclass
class Watcher:
    """Reads the pages and the truth five times a second, and notes what must not be."""

    exporters: list[Exporter]
    healthy: float
    allocatable_cpus: float
    own: Own
    samples: int = 0
    held: int = 0
    wrong: list[str] = field(default_factory=list)
    since: dict[Holding, float] = field(default_factory=dict)
    known: dict[str, dict[Holding, float]] = field(default_factory=lambda: defaultdict(dict))
    shown: dict[str, set[Holding]] = field(default_factory=lambda: defaultdict(set))
    retained: set[str] = field(default_factory=set)
    absent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    quiet: bool = False
    _last: float = 0.0
    _truth: Truth = field(default_factory=Truth)

    def look(self) -> None:
        """Compare one page of each exporter with what was held before and after it was read."""
        pages = {}
        before = self._held()
        for each in self.exporters:
            if (page := each.page_if_up()) is not None:
                pages[each] = page
        after = self._held()
        now = CLOCK.monotonic_seconds()
        held = before & after
        self.since = {item: self.since.get(item, now) for item in held}
        self.quiet = before == after and len(pages) == len(self.exporters)
        step, self._last = min(1.0, now - self._last), now
        for each, page in pages.items():
            times = self.known[each.name]
            could_know = step if page.can_know else 0.0
            self.known[each.name] = {item: times.get(item, 0.0) + could_know for item in self.since}
            self._judge(each, page, now)
        self.samples += 1
        self.held += any(not item[1].isdigit() for item in held)

    def _held(self) -> set[Holding]:
        devices, cpus = self._truth.held()
        return devices | cpus

    def _judge(self, exporter: Exporter, page: Page, now: float) -> None:
        """
        Note what must not be on the page.

        A process that has begun anew is held to what the one before it could know: what it cannot know yet is absent.
        """
        name = exporter.name
        old = {item for item, seconds in self.known[name].items() if seconds > exporter.grace_seconds}
        shown = {item for item in self.shown[name] if now - self.since.get(item, now) > SHOWN_SECONDS}
        known = {item for item in old | shown if not item[1].isdigit()}
        cpus = {item[1] for item in old if item[1].isdigit()}
        self.shown[name] = {item for item in self.since if item[:2] in page.devices}
        if page.retained:
            self.retained.add(name)
        if page.free is None:
            self.absent[name] += 1
            self.shown[name] |= known  # they must not come back as free
        else:
            if lost := {item[:2] for item in known} - page.devices:
                self.note(f"{name}: no row, and free devices are stated: {sorted(lost)}", page)
            if page.free > self.healthy - len({item[1] for item in known}):
                self.note(f"{name}: {page.free:g} free while {sorted(known)} are held", page)
        if page.exclusive is not None and page.exclusive < len(cpus):
            self.note(f"{name}: {page.exclusive:g} exclusive CPUs while {sorted(cpus)} are held", page)
        if page.pool is not None and page.pool > self.allocatable_cpus - len(cpus):
            self.note(f"{name}: {page.pool:g} CPUs in the pool while {sorted(cpus)} are held", page)
        devices = {item[:2] for item in self.since if not item[1].isdigit()}
        self.quiet = self.quiet and page.is_quiet and page.devices == devices
        self.quiet = self.quiet and page.exclusive == len({item[1] for item in self.since if item[1].isdigit()})

    def note(self, text: str, page: Page) -> None:
        line = f"{CLOCK.monotonic_seconds():.1f} {text}"
        self.wrong.append(line)
        if RECORD:
            with Path(RECORD).open("a") as output:
                output.write(f"{line}: {page}\n")

    def watch(self, seconds: float) -> None:
        end = CLOCK.monotonic_seconds() + seconds
        while CLOCK.monotonic_seconds() < end:
            began = CLOCK.monotonic_seconds()
            self.look()
            NEVER.wait(max(0.0, began + SAMPLE_SECONDS - CLOCK.monotonic_seconds()))

    def settle(self) -> float:
        """Return in how many seconds all pages equal the truth, and hold it for a second."""
        began = CLOCK.monotonic_seconds()
        count = 0
        while count < 5:
            self.watch(SAMPLE_SECONDS)
            count = count + 1 if self.quiet else 0
            if CLOCK.monotonic_seconds() - began > SETTLE_SECONDS:
                pages = {each.name: each.page() for each in self.exporters}
                pytest.fail(f"a wait that does not end: {pages}, held: {sorted(self._held())}")
        return CLOCK.monotonic_seconds() - began

    def fill(self) -> None:
        """Watch until devices are held: a controller that has lost its API server makes pods late."""
        began = CLOCK.monotonic_seconds()
        held: set[Holding] = set()
        while len(held) < COUNT:
            self.watch(SAMPLE_SECONDS)
            held = {item for item in self.since if not item[1].isdigit()}
            assert CLOCK.monotonic_seconds() - began < SETTLE_SECONDS, "no pods that hold the devices"

    def renew(self, *, pod: str = "", without_unaided: bool = False) -> None:
        """Begin all exporters anew; with *pod*, those in a pod, in that one from now on."""
        chosen = [each for each in self.exporters if each.pod or not (pod or (without_unaided and each.is_unaided))]
        for each in chosen:
            each.process.terminate()
        for each in chosen:
            each.renew(pod or each.pod)

    def succeed(self) -> str:
        """Watch until there is another pod for the exporters, and return its name."""
        began = CLOCK.monotonic_seconds()
        while not self.own.succeed():
            self.watch(1.0)
            assert CLOCK.monotonic_seconds() - began < SETTLE_SECONDS, "no other pod of the DaemonSet"
        return f"{self.own.namespace}/{self.own.name}"


LIMITS = {"cpu": "1", "memory": "64Mi", RESOURCE: "1"}


def template(command: list[str], grace: int = 1) -> dict[str, object]:
    container = {"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command}
    return {
        "terminationGracePeriodSeconds": grace,
        "automountServiceAccountToken": False,
        "containers": [{**container, "resources": {"requests": LIMITS, "limits": LIMITS}}],
    }


def set_of(command: list[str], grace: int = 1) -> dict[str, object]:
    """Return a StatefulSet, whose pods come again under their names."""
    labels = {"podres": "moments"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "moments", "namespace": "default", "labels": labels},
        "spec": {
            "replicas": COUNT,
            "serviceName": "moments",
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"nodeName": NODE, **template(command, grace)}},
        },
    }


class Load:
    """Pods that stay, roll, terminate, or come and go; started before the moment, and ended after it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.count = 0

    def start(self) -> None:
        if self.kind == "coming":
            self.thread.start()
            return
        command = (
            ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
            if self.kind == "terminating"
            else ["sleep", "86400"]
        )
        kubectl("apply", "-f", "-", given=set_of(command, 30 if self.kind == "terminating" else 1))
        if self.kind == "rolling":
            self.thread.start()

    def moment(self) -> None:
        """Begin what begins with the moment."""
        if self.kind == "terminating":
            kubectl("delete", "statefulset", "moments", "--cascade=background", "--wait=false")
            NEVER.wait(2.0)

    def end(self) -> None:
        self.stopped.set()
        if self.thread.is_alive():
            self.thread.join(30)

    @staticmethod
    def clear() -> None:
        kubectl("delete", "statefulset", "-l", "podres=moments", "--wait=true")
        kubectl("delete", "pod", "-l", "podres=moments", "--wait=true")

    def _run(self) -> None:
        """Roll, or come and go; an API server that is away is asked again."""
        while not self.stopped.wait(0.5):
            with suppress(subprocess.SubprocessError):
                if self.kind == "rolling":
                    self.stopped.wait(6.0)
                    kubectl("delete", "pod", "-l", "podres=moments", "--wait=false", "--request-timeout=3s")
                else:
                    self._come_and_go()

    def _come_and_go(self) -> None:
        told = json.loads(kubectl("get", "pod", "-l", "podres=moments", "-o", "json", "--request-timeout=3s"))["items"]
        ended = [each for each in told if each["status"]["phase"] in {"Succeeded", "Failed"}]
        for each in ended:
            kubectl("delete", "pod", each["metadata"]["name"], "--wait=false", "--request-timeout=3s")
        for _ in range(COUNT - len(told) + len(ended)):
            self.count += 1
            spec = {"nodeName": NODE, "restartPolicy": "Never", **template(["sleep", str(8 + self.count % 3)])}
            metadata = {"name": f"moments-{os.getpid()}-{self.count}", "labels": {"podres": "moments"}}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
            kubectl("create", "-f", "-", "--request-timeout=3s", given=pod)


def alone(watcher: Watcher) -> None:
    control("stop", "kubelet")
    watcher.watch(5.0)
    control("start", "kubelet")
    watcher.watch(20.0)


def away(watcher: Watcher) -> None:
    control("stop", "apiserver")
    watcher.watch(5.0)
    control("stop", "kubelet")
    control("start", "kubelet")
    watcher.watch(AWAY_SECONDS)
    control("start", "apiserver")


def half_open(watcher: Watcher) -> None:
    control("freeze", "apiserver")
    watcher.watch(3.0)
    control("stop", "kubelet")
    control("start", "kubelet")
    watcher.watch(AWAY_SECONDS)
    control("thaw", "apiserver")


def server_first(watcher: Watcher) -> None:
    control("stop", "kubelet")
    control("stop", "apiserver")
    watcher.watch(5.0)
    control("start", "apiserver")
    watcher.watch(15.0)
    control("start", "kubelet")


def refused(watcher: Watcher) -> None:
    control("refuse", "credentials")
    control("stop", "kubelet")
    control("start", "kubelet")
    watcher.watch(AWAY_SECONDS)
    control("accept", "credentials")
    control("stop", "kubelet")
    control("start", "kubelet")


def slow(watcher: Watcher) -> None:
    """Pods come again while Allocate takes long, and the kubelet restarts in one."""
    control("slow", "allocate")
    watcher.watch(30.0)
    control("stop", "kubelet")
    watcher.watch(2.0)
    control("start", "kubelet")
    watcher.watch(20.0)
    control("quick", "allocate")


def begun(watcher: Watcher) -> None:
    """The exporters begin while the API server is away, and then the kubelet restarts."""
    control("stop", "apiserver")
    watcher.watch(5.0)
    watcher.renew()
    watcher.watch(AWAY_SECONDS / 2)
    control("stop", "kubelet")
    control("start", "kubelet")
    watcher.watch(AWAY_SECONDS)
    control("start", "apiserver")


def begun_after(watcher: Watcher) -> None:
    """
    The exporters begin while the API server is away and the kubelet, which has restarted, lacks its pods.

    Those that have neither metadata nor a pod of their own go on: what they could see is a node on which only static
    pods were ever seen, which is assumed to have no API server (a stated limit).
    """
    control("stop", "apiserver")
    control("stop", "kubelet")
    control("start", "kubelet")
    watcher.watch(10.0)
    watcher.renew(without_unaided=True)
    watcher.watch(AWAY_SECONDS)
    control("start", "apiserver")


def replaced(watcher: Watcher) -> None:
    """The exporter's pod is deleted while the kubelet is away; when that is back, a DaemonSet makes another."""
    control("stop", "kubelet")
    watcher.own.delete()
    watcher.watch(5.0)
    control("start", "kubelet")
    watcher.renew(pod=watcher.succeed())
    watcher.watch(20.0)


def forced(watcher: Watcher) -> None:
    """The exporter outlives its pod, which the kubelet never lists again, and begins in another when that restarts."""
    control("stop", "kubelet")
    watcher.own.delete("--force", "--grace-period=0")
    watcher.watch(5.0)
    control("start", "kubelet")
    watcher.watch(20.0)
    control("stop", "kubelet")
    watcher.renew(pod=watcher.succeed())
    watcher.watch(5.0)
    control("start", "kubelet")
    watcher.watch(20.0)


def upgraded(watcher: Watcher) -> None:
    """The kubelet comes back as another release, which may serve Get or not."""
    if not UPGRADE:
        pytest.skip("no other release of the kubelet is given: PODRES_REAL_UPGRADE")
    control("stop", "kubelet")
    control("upgrade", "kubelet")
    watcher.watch(5.0)
    control("start", "kubelet")
    watcher.watch(30.0)


MOMENTS: dict[str, Callable[[Watcher], None]] = {
    "alone": alone,
    "away": away,
    "half-open": half_open,
    "server-first": server_first,
    "refused": refused,
    "slow": slow,
    "begun": begun,
    "begun-after": begun_after,
    "replaced": replaced,
    "forced": forced,
    "upgraded": upgraded,
}
LOADS = ("still", "rolling", "terminating", "coming")


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    """Start the exporters; they live through all moments."""
    Load.clear()
    with exporters() as started:
        found = Watcher(started, 0.0, 0.0, Own(POD))
        began = CLOCK.monotonic_seconds()
        while CLOCK.monotonic_seconds() - began < SETTLE_SECONDS:
            with suppress(OSError):
                pages = [each.page() for each in started]
                if all(page.is_quiet for page in pages):
                    break
            NEVER.wait(0.5)
        page = started[0].page()
        assert page.free is not None
        assert page.pool is not None
        assert page.exclusive is not None
        found.healthy = page.free + len(page.devices)
        found.allocatable_cpus = page.pool + page.exclusive
        assert page.free >= COUNT, "three free devices are needed"
        yield found


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("load", LOADS)
def test_what_is_held_is_never_shown_as_free(watcher: Watcher, moment: str, load: str) -> None:
    """Nor does a row of a running container go while free devices are stated, and every wait ends by itself."""
    if moment == "slow" and load in {"still", "terminating"}:
        pytest.skip("nothing is allocated")
    watcher.wrong.clear()
    watcher.retained.clear()
    watcher.absent.clear()
    before, pods = (watcher.samples, watcher.held), Load(load)
    try:
        pods.start()
        watcher.fill()
        watcher.watch(12.0)
        pods.moment()
        watcher.fill()
        MOMENTS[moment](watcher)
        pods.end()
        took = watcher.settle()
    finally:
        for undo in (("thaw", "apiserver"), ("start", "apiserver"), ("accept", "credentials"), ("start", "kubelet")):
            control(*undo)
        control("quick", "allocate")
        pods.end()
        Load.clear()
    samples, held = watcher.samples - before[0], watcher.held - before[1]
    sys.stdout.write(
        f"{moment}, {load}: {samples} samples of {len(watcher.exporters)} exporters, devices held in {held} of them, "
        f"{len(watcher.wrong)} wrong; settled in {took:.0f} s; retained pods shown by {sorted(watcher.retained)}; "
        f"samples without a free figure {dict(watcher.absent)}\n"
    )
    assert not watcher.wrong
