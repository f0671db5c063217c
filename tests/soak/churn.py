"""Pod churn on the simulated node, and its faults."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from soak import plan
from soak.plan import GPU, NODE, SLICE, Fault

from podres_exporter.sim.api import PODS, Fail, StatusError, StreamFault
from podres_exporter.sim.live import LiveNode

_MOST_PODS = 40
_NAMES = 12
"""Half of the pods take one of so many names, over and over; the others have one that never comes again."""


class Churn:
    """Changes the node a little with every tick. `events` and `faults` count what was done."""

    def __init__(self, node: LiveNode, rng: Random) -> None:
        """Do nothing yet."""
        self.events: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._node, self._rng = node, rng
        self._alive: list[tuple[str, str]] = []
        watches, kubelet = node.api.faults.on_open_watches, node.kubelet
        self._actions: dict[Fault, Callable[[], None]] = {
            plan.EXPIRES: self._expire,
            plan.LIST_FAILS: self._expire_and_fail,
            plan.CUT: lambda: watches(StreamFault.CUT),
            plan.ENDS: lambda: watches(StreamFault.CLOSE),
            plan.HALF: lambda: watches(StreamFault.TRUNCATE),
            plan.AWAY: node.api.go_down,
            plan.PLUGIN: lambda: node.stop_plugin(SLICE),
            plan.RESTARTS: node.restart_kubelet,
            plan.THROTTLES: lambda: setattr(kubelet, "throttled", True),
            plan.HANGS: kubelet.hang,
        }
        self._number = 0

    def tick(self) -> None:
        """Create, delete, finish or recreate a pod."""
        if len(self._alive) < _MOST_PODS // 2 or (len(self._alive) < _MOST_PODS and self._rng.random() < 0.5):
            self._create()
            return
        namespace, name = self._alive[self._rng.randrange(len(self._alive))]
        what = self._rng.choice((self._delete, self._delete, self._finish, self._recreate))
        try:
            what(namespace, name)
        except StatusError:
            self.events["refused"] += 1

    def begin(self, fault: Fault) -> None:
        """Let something go wrong."""
        self.faults[fault.name] += 1
        self._actions[fault]()

    def end(self) -> None:
        """Put everything right again."""
        self._node.api.start()
        self._node.kubelet.throttled = False
        self._node.kubelet.resume()
        if SLICE not in self._node.plugins:
            self._node.start_plugin(SLICE)

    def _expire(self) -> None:
        self._node.store.compact()
        self._node.api.faults.on_open_watches(StreamFault.EXPIRE)

    def _expire_and_fail(self) -> None:
        self._node.api.faults.on_requests("list", Fail(500), times=1, resource=PODS)
        self._expire()

    def _create(self) -> None:
        self._number += 1
        unique = self._number % 2
        name = f"pod-{self._number:06d}" if unique else f"again-{self._number // 2 % _NAMES}"
        self._put(f"team-{self._number % 5}", name)

    def _put(self, namespace: str, name: str) -> None:
        """Create a pod that asks for something of everything now and then, and is as often refused for it."""
        limits = {"cpu": self._rng.choice(("100m", "1", "2")), "memory": "64Mi"}
        if self._rng.random() < 0.7:
            limits[self._rng.choice((GPU, SLICE))] = str(self._rng.randint(1, 2))
        pod: dict[str, Any] = {
            "metadata": {"namespace": namespace, "name": name, "labels": {"app": name, "pod-template-hash": "7c9d"}},
            "spec": {
                "nodeName": NODE,
                "containers": [{"name": "main", "resources": {"limits": limits}}, {"name": "side"}],
            },
        }
        try:
            self._node.create(pod)
        except StatusError:
            self.events["refused"] += 1
            return
        self.events["created"] += 1
        self._alive.append((namespace, name))

    def _delete(self, namespace: str, name: str) -> None:
        self._alive.remove((namespace, name))
        self._node.store.delete(PODS, namespace, name)
        self.events["deleted"] += 1

    def _finish(self, namespace: str, name: str) -> None:
        self._node.finish(namespace, name)
        self.events["finished"] += 1

    def _recreate(self, namespace: str, name: str) -> None:
        """Put another pod in the place of one, at once and under the same name."""
        self._delete(namespace, name)
        self._put(namespace, name)
        self.events["recreated"] += 1
