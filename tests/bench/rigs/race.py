"""
A node with pod churn and a slow device plugin, to count devices given to two pods.

The kubelet is the simulated one, whose List forgets what an admission in flight has chosen. The truth is its own book
of who holds what, which the bench reads without a call.
"""

import contextlib
import os
import re
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bench.rigs.sizes import NODE
from bench.rigs.timing import CLOCK, pause
from sim_client import LIST, ask

from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS, Event, EventType
from podres_exporter.sim.devices import DeviceState, PluginOptions
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.plugin.sample import SamplePlugin

VF = "example.com/vf"
NAMESPACE = "race"
OWN = ("monitoring", "podres-exporter-x")
SPARE_DEVICES = 1
FEWER_PODS = 3
"""So many pods may be missing at a time; the next ones wait for the devices that they leave."""

LOOK_SECONDS = 0.1

SCENARIO = f"""
node: {NODE}
kubelet: {{release: "%s", max_pods: 1000}}
numa: [{{node: 0, cpus: "0-3", memory: 8Gi}}]
resources: [{{name: {VF}, external: true, devices: []}}]
"""


@dataclass(slots=True)
class Outcome:
    """What happened in a run: admissions, devices given twice, calls by method, seconds from event to page."""

    seconds: float = 0.0
    admissions: int = 0
    doubles: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    lists_at_start: int = 0
    lists_of_restart: int = 0
    delays: list[float] = field(default_factory=list)

    @property
    def p95_seconds(self) -> float | None:
        """The delay that one pod in twenty exceeds; None where too few were seen."""
        return statistics.quantiles(self.delays, n=20)[-1] if len(self.delays) > 1 else None


class Race:
    """The node, and the churn of its pods."""

    def __init__(self, directory: Path, release: str, pods: int, allocate_seconds: float) -> None:
        """Start nothing yet."""
        self.node = LiveNode(parse_scenario(SCENARIO % release, "race"), directory, CLOCK)
        self._pods, self._allocate_seconds, self._chance = pods, allocate_seconds, Random(7)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, frozenset[str]]] = {}
        self._new: dict[str, float] = {}
        self._waiting: set[str] = set()
        self._number = 0
        self.outcome = Outcome()
        self._counts = False

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """Run the node with all its pods, each with one device."""
        states = {f"vf-{number:04}": DeviceState((0,)) for number in range(self._pods + SPARE_DEVICES)}
        with self.node:
            directory = self.node.devices.socket_path.parent
            with SamplePlugin(VF, states, directory, CLOCK, options=PluginOptions(), poll_seconds=0.2) as plugin:
                assert self.node.devices.wait_until(lambda: VF in self.node.devices.healthy(), 30)
                own = {"namespace": OWN[0], "name": OWN[1]}
                self.node.create({"metadata": own, "spec": {"nodeName": NODE, "containers": [{"name": "main"}]}})
                self.node.store.subscribe(self._on_event)
                for _ in range(self._pods):
                    self._create()
                self.node.settle()
                plugin.allocate_seconds = self._allocate_seconds
                an_hour_ago = CLOCK.wall_seconds() - 3600
                os.utime(self.node.socket_path, (an_hour_ago, an_hour_ago))  # a kubelet that has long been there
                yield

    def churn(self, seconds: float, look: Callable[[], str] | None = None) -> Outcome:
        """Let pods end at random and others come in their place, for so long; *look* returns the exporter's page."""
        over = threading.Event()
        threads = [threading.Thread(target=self._end_pods, args=(over,))]
        if look is not None:
            threads.append(threading.Thread(target=self._watch, args=(over, look)))
        before, self._counts = Counter(self.node.kubelet.calls), True
        self.outcome.lists_at_start = before["List"]
        began = CLOCK.monotonic_seconds()
        for thread in threads:
            thread.start()
        while CLOCK.monotonic_seconds() < began + seconds:
            with self._lock:
                waiting = len(self._waiting)
                has_room = waiting < 2 and len(self._running) + waiting < self._pods
            if has_room:
                self._create()
            pause(0.01)
        over.set()
        for thread in threads:
            thread.join()
        self._counts = False
        self.outcome.seconds = CLOCK.monotonic_seconds() - began
        self.outcome.calls = Counter(self.node.kubelet.calls) - before
        self.node.settle()
        assert self.outcome.admissions, "no pod was admitted: the figures would mean nothing"
        return self.outcome

    def restart(self, seconds: float) -> None:
        """Restart the kubelet, and count the Lists of so long a time."""
        before = self.node.kubelet.calls["List"]
        self.node.restart_kubelet()
        pause(seconds)
        self.outcome.lists_of_restart = self.node.kubelet.calls["List"] - before

    def _create(self) -> None:
        self._number += 1
        limits: dict[str, Any] = {"limits": {VF: "1"}}
        metadata = {"namespace": NAMESPACE, "name": f"pod-{self._number}"}
        with self._lock:
            self._waiting.add(metadata["name"])
        spec = {"nodeName": NODE, "containers": [{"name": "main", "resources": limits}]}
        self.node.store.create(PODS, {"metadata": metadata, "spec": spec})

    def _end_pods(self, over: threading.Event) -> None:
        """Delete a random pod about as often as one is admitted."""
        while not over.wait(self._chance.expovariate(1 / self._allocate_seconds)):
            with self._lock:
                names = sorted(self._running)
            if len(names) > self._pods - FEWER_PODS:
                self.node.store.delete(PODS, NAMESPACE, self._chance.choice(names))

    def _on_event(self, event: Event) -> None:
        """Count the pods that have been admitted, and the devices among theirs that another living pod has."""
        metadata = event.item["metadata"]
        if event.resource is not PODS or metadata["namespace"] != NAMESPACE:
            return
        name = metadata["name"]
        with self._lock:
            if event.type is EventType.DELETED:
                self._running.pop(name, None)
                self._new.pop(name, None)
                self._waiting.discard(name)
            elif (event.item.get("status") or {}).get("phase") == "Running" and name not in self._running:
                held = self.node.pods.held(metadata["uid"])
                devices = frozenset(device.device_id for each in held for device in each.devices)
                taken = frozenset[str]().union(*(theirs for _, theirs in self._running.values()))
                self._running[name] = (metadata["uid"], devices)
                self._waiting.discard(name)
                if self._counts:
                    self.outcome.admissions += 1
                    self.outcome.doubles += len(devices & taken)
                    self._new[name] = CLOCK.monotonic_seconds()

    def _watch(self, over: threading.Event, look: Callable[[], str]) -> None:
        """Look at the page again and again, and note when each new pod is on it."""
        pattern = re.compile(rf'^podres_container_devices\{{[^}}]*namespace="{NAMESPACE}",pod="([^"]+)"', re.MULTILINE)
        while not over.wait(LOOK_SECONDS):
            shown = set(pattern.findall(look()))
            now = CLOCK.monotonic_seconds()
            with self._lock:
                for name in shown & self._new.keys():
                    self.outcome.delays.append(now - self._new.pop(name))


@contextlib.contextmanager
def listing(socket: Path, every_seconds: float | None) -> Iterator[None]:
    """Let a client list all pods again and again, as many monitoring agents do; None is no client."""
    if every_seconds is None:
        yield
        return
    over = threading.Event()

    def loop() -> None:
        while not over.wait(every_seconds):
            ask(socket, LIST)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
