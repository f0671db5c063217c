"""A simulated node: plays a scenario behind a kubelet's socket and a fake /sys in one directory."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from random import Random

from podres_exporter.clock import Clock
from podres_exporter.model import Pod
from podres_exporter.scenario import Conditions, NodeState, Release, Scenario, conditions_at, node_at, parse_scenario
from podres_exporter.sim.lifecycle import Startable
from podres_exporter.sim.podresources.answers import StateAnswers
from podres_exporter.sim.podresources.kubelet import SimKubelet
from podres_exporter.sim.podresources.restart import incomplete, without_plugins
from podres_exporter.sim.sysfs import write_sysfs

_BEFORE_SIDECARS = Release(29)
_TICK_SECONDS = 0.1
"""How late the timeline's faults may come; answers are never late, for they are made when they are asked for."""


class SimNode(Startable):
    """
    One simulated node below one directory: `pod-resources/kubelet.sock` and `sys`.

    `kubelet` is the live endpoint, to switch faults by hand and to count calls; `sysfs` stands for /sys, `socket_path`
    is what an exporter connects to. The scenario's clock starts with `start`. With the same scenario, seed and sequence
    of calls the answers are the same bytes.
    """

    def __init__(
        self, scenario: Scenario, directory: Path, clock: Clock, seed: int = 0, release: Release | None = None
    ) -> None:
        """Play *scenario*, if asked as another *release*. Raises ValueError where the socket's path is too long."""
        if release is not None:
            scenario = replace(scenario, kubelet=replace(scenario.kubelet, release=release))
        self.scenario = scenario
        self.sysfs = directory / "sys"
        self.socket_path = directory / "pod-resources" / "kubelet.sock"
        random = Random(seed)  # noqa: S311 - no secret
        answers = StateAnswers(scenario.kubelet, self._reported, random, self._listing, self._alpha_pods)
        self.kubelet = SimKubelet(self.socket_path, answers, clock, scenario.kubelet)
        self._clock = clock
        self._started_at = clock.monotonic_seconds()
        self._conditions = Conditions(serving=False)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._timeline: threading.Thread | None = None

    def start(self) -> None:
        """Write /sys, serve, and let the scenario's time begin. Raises OSError: the directory cannot be written."""
        write_sysfs(self.sysfs, self.state().topology)
        self._started_at = self._clock.monotonic_seconds()
        self._stopping.clear()
        self.tick()
        if self._changes() and self._timeline is None:
            self._timeline = threading.Thread(target=self._play_timeline, name="sim-timeline", daemon=True)
            self._timeline.start()

    def stop(self) -> None:
        """End the timeline and the kubelet; the socket is removed, /sys stays. May be called again."""
        self._stopping.set()
        if self._timeline is not None:
            self._timeline.join()
            self._timeline = None
        self.kubelet.stop()
        self._conditions = Conditions(serving=False)

    def seconds(self) -> float:
        """Seconds of the scenario's clock."""
        return self._clock.monotonic_seconds() - self._started_at

    def state(self) -> NodeState:
        """Return the true state at this moment, independent of the kubelet's answers."""
        return node_at(self.scenario, self.seconds())

    def tick(self) -> None:
        """Bring the node into the state that the timeline wants now; the node's thread does so all the time."""
        self._tick()
        self.settle()

    def settle(self) -> None:
        """Return once everything that has begun is done."""

    def _tick(self) -> None:
        """Bring the kubelet into the condition that the timeline wants now."""
        with self._lock:
            before, now = self._conditions, conditions_at(self.scenario, self.seconds())
            if before == now:
                return
            self._conditions = now
            self._switch(before, now)

    def _switch(self, before: Conditions, now: Conditions) -> None:
        """Act on differences only, so that faults which a test has switched by hand stay as they are."""
        restarted = now.restarts != before.restarts
        if before.serving and (restarted or not now.serving):
            self.kubelet.kill()
        if restarted:
            self._kubelet_restarted()
        if now.serving and (restarted or not before.serving):
            self.kubelet.start()
        if now.hanging and not before.hanging:
            self.kubelet.hang()
        if before.hanging and not now.hanging:
            self.kubelet.resume()
        if now.throttled != before.throttled:
            self.kubelet.throttled = now.throttled

    def _changes(self) -> bool:
        """Whether the timeline has anything to do; pods that come and go need nothing done here."""
        return bool(self.scenario.faults)

    def _kubelet_restarted(self) -> None:
        """Do what else a kubelet does when it starts."""

    def _reported(self) -> NodeState:
        """Return what the kubelet believes at this moment."""
        return self._seen(self.state(), conditions_at(self.scenario, self.seconds()))

    def _seen(self, state: NodeState, now: Conditions) -> NodeState:
        """Return what a kubelet in these conditions knows of the truth."""
        if now.plugins_gone:
            state = without_plugins(state)
        return state if now.pods_incomplete is None else incomplete(state, now.pods_incomplete)

    def _listing(self) -> None:
        """Do what a List does before it answers."""

    def _alpha_pods(self) -> Iterable[Pod]:
        """Return the pods that v1alpha1 lists, which never has sidecars."""
        kubelet = replace(self.scenario.kubelet, release=min(self.scenario.kubelet.release, _BEFORE_SIDECARS))
        state = node_at(replace(self.scenario, kubelet=kubelet), self.seconds())
        return self._seen(state, conditions_at(self.scenario, self.seconds())).pods

    def _play_timeline(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self._tick()


def builtin_scenario(name: str = "demo") -> Scenario:
    """Return a scenario of the package by name. Raises FileNotFoundError: there is none of that name."""
    file = files("podres_exporter.scenario") / "data" / f"{name}.yaml"
    return parse_scenario(file.read_text(encoding="utf-8"), file.name)
