"""The storm as a Hypothesis state machine."""

from collections import Counter
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from storm.kept import Scenario
from storm.node import DEVICES, REFUSALS, SHAPES, SPOILT, STREAM_ENDS
from storm.violation import Violation
from storm.world import World

from podres_exporter.sim.api import StreamFault

NAMES = st.sampled_from("abcdef")
"""More than may be asked for between two polls."""
SHAPE = st.integers(0, len(SHAPES) - 1)
RESOURCES = st.sampled_from(list(DEVICES))
NUMBER = st.integers(0, 3)
WINDOWS = st.builds(
    lambda chain, taken: [view for view, is_taken in zip(chain, taken, strict=False) if is_taken],
    st.sampled_from([("empty", "empty", "few", "all"), ("empty", "few", "some"), ("empty", "empty", "empty", "some")]),
    st.lists(st.booleans(), max_size=4),
)
"""What a kubelet says after its start, one view for each List: it knows more and more, never less again."""
LOOKS = st.sampled_from(["", "poll"])
NEWS = st.sampled_from(["refresh", "poll", "refresh", ""])
LASTS = st.sampled_from([False] * 7 + [True])
POLLS = st.integers(0, 3)
METHODS = st.sampled_from(["List", "List", "GetAllocatableResources", "Get"])
PAUSES = st.sampled_from([1.0, 5.0, 29.0, 61.0, 119.0, 125.0, 700.0])
WALL_JUMPS = st.sampled_from([-86_400.0, -3600.0, -30.0, 45.0, 3600.0, 3e8])

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


class Storm(RuleBasedStateMachine):
    """One example is one life of a node; `counts` and `found` are shared by all, for the caller."""

    counts: ClassVar[Counter[str]] = Counter()
    found: ClassVar[list[tuple[Violation, Scenario]]] = []
    world: World | None = None
    broken = False

    @initialize(
        release=st.sampled_from([36, 36, 36, 36, 36, 33, 27]),
        metadata=st.sampled_from([True, True, True, True, False]),
        shapes=st.lists(SHAPE, max_size=3),
    )
    def begin(self, release: int, metadata: bool, shapes: list[int]) -> None:
        self._begin(World(release, metadata=metadata, kept=self.counts), shapes)

    def _begin(self, world: World, shapes: list[int]) -> None:
        """Let a life of a node begin with pods of these shapes."""
        self.counts["examples"] += 1
        self.world = world
        self.world.__enter__()
        for name, shape in zip("abc", shapes, strict=False):
            self._do("create", name, shape)
        self._do("poll", 10.0)

    @rule(name=NAMES, shape=SHAPE, then=NEWS)
    def create(self, name: str, shape: int, then: str) -> None:
        self._do("create", name, shape)
        self._look(then)

    @rule(name=NAMES, shape=SHAPE, then=NEWS)
    def recreate(self, name: str, shape: int, then: str) -> None:
        self._do("recreate", name, shape)
        self._look(then)

    @rule(name=NAMES, then=NEWS)
    def delete(self, name: str, then: str) -> None:
        self._do("delete", name)
        self._look(then)

    @rule(name=NAMES, number=NUMBER, then=NEWS)
    def double(self, name: str, number: int, then: str) -> None:
        """A pod gets a device that another one holds."""
        self._do("double", number, name)
        self._look(then)

    @rule(name=NAMES, then=NEWS)
    def finish(self, name: str, then: str) -> None:
        self._do("finish", name)
        self._look(then)

    @rule(resource=RESOURCES, lasts=LASTS)
    def kill_plugin(self, resource: str, lasts: bool) -> None:
        self._do("kill_plugin", resource)
        self._do("poll", 10.0)
        self._unless(lasts, "start_plugin", resource)

    @rule(resource=RESOURCES, number=NUMBER, gone=st.booleans(), then=LOOKS)
    def lose_device(self, resource: str, number: int, gone: bool, then: str) -> None:
        self._do("remove_device" if gone else "sicken", resource, number)
        self._look(then)

    @rule(window=WINDOWS, then=st.lists(st.sampled_from([1.0, 2.0, 10.0, 59.0]), max_size=3))
    def restart_kubelet(self, window: list[str], then: list[float]) -> None:
        self._do("restart_kubelet", window, "all")
        for seconds in then:
            self._do("poll", seconds)

    @rule(polls=POLLS, lasts=LASTS)
    def restart_kubelet_alone(self, polls: int, lasts: bool) -> None:
        """A kubelet that cannot reach its API server knows no pod for as long as that lasts."""
        self._do("restart_kubelet", [], "empty")
        for _ in range(polls):
            self._do("poll", 10.0)
        self._unless(lasts, "recall")

    @rule(polls=st.integers(1, 3))
    def restart_kubelet_slowly(self, polls: int) -> None:
        """The admission of one pod keeps a kubelet from the younger ones for a while."""
        self._do("restart_slowly")
        for _ in range(polls):
            self._do("poll", 10.0)
        self._do("recall")

    @rule(with_socket=st.booleans(), polls=POLLS, lasts=LASTS)
    def kill_kubelet(self, with_socket: bool, polls: int, lasts: bool) -> None:
        self._do("kill_kubelet", with_socket)
        for _ in range(polls):
            self._do("poll", 10.0)
        self._unless(lasts, "restart_kubelet", ["empty"], "all")

    @rule(polls=POLLS, lasts=LASTS)
    def throttle(self, polls: int, lasts: bool) -> None:
        self._do("throttle", True)
        for _ in range(polls):
            self._do("poll", 10.0)
        self._unless(lasts, "throttle", False)

    @rule(lasts=LASTS)
    def hang(self, lasts: bool) -> None:
        self._do("hang", True)
        self._do("poll", 10.0)
        self._unless(lasts, "hang", False)

    @rule(method=METHODS, how=st.sampled_from(list(SPOILT)), then=LOOKS, lasts=LASTS)
    def spoil(self, method: str, how: str, then: str, lasts: bool) -> None:
        self._do("spoil", method, how)
        self._look(then)
        self._unless(lasts, "mend")

    @rule(name=NAMES, shape=SHAPE, how=st.sampled_from(list(SPOILT)))
    def spoil_get(self, name: str, shape: int, how: str) -> None:
        """News of a pod of which the kubelet says nothing."""
        self._do("recreate", name, shape)
        self._do("spoil", "Get", how)
        self._do("refresh")
        self._do("mend")

    @rule(then=LOOKS)
    def break_rows(self, then: str) -> None:
        self._do("break_rows")
        self._look(then)

    @rule(resource=RESOURCES, then=LOOKS)
    def recover(self, resource: str, then: str) -> None:
        self._do("mend_api")
        self._do("start_plugin", resource)
        self._do("heal", resource)
        self._do("restore_devices", resource)
        self._look(then)

    @rule(changes=st.lists(st.tuples(NAMES, SHAPE), max_size=3))
    def mend(self, changes: list[tuple[str, int]]) -> None:
        """Every fault is lifted; then there is news of pods, one after the other, which is to be shown at once."""
        self._do("lift")
        self._do("poll", 10.0)
        self._do("poll", 10.0)
        for name, shape in changes:
            self._do("recreate", name, shape)
            self._do("refresh")

    @rule(verb=st.sampled_from(["list", "watch", "any"]), how=st.sampled_from(list(REFUSALS)), then=LOOKS, lasts=LASTS)
    def refuse(self, verb: str, how: str, then: str, lasts: bool) -> None:
        self._do("refuse", verb, how)
        self._look(then)
        self._unless(lasts, "mend_api")

    @rule(how=st.sampled_from([fault.name for fault in StreamFault]), then=LOOKS)
    def break_watch(self, how: str, then: str) -> None:
        self._do("break_watch", how)
        self._look(then)

    @rule(then=LOOKS, lasts=LASTS)
    def api_down(self, then: str, lasts: bool) -> None:
        self._do("api_down")
        self._look(then)
        self._unless(lasts, "mend_api")

    @rule(name=NAMES, shape=SHAPE, seconds=st.sampled_from([20.0, 100.0, 200.0]))
    def lose_touch(self, name: str, shape: int, seconds: float) -> None:
        """A pod ends, and another takes its name without an event."""
        self._do("finish", name)
        self._do("api_down")
        self._do("poll", seconds)
        self._do("recreate", name, shape)
        self._do("poll", 10.0)
        self._do("mend_api")

    @rule(changes=st.lists(st.tuples(NAMES, SHAPE), min_size=1, max_size=5), spoilt=LASTS)
    def news(self, changes: list[tuple[str, int]], spoilt: bool) -> None:
        """News of more pods than may be asked for at once."""
        for name, shape in changes:
            self._do("recreate", name, shape)
        self._do("refresh")
        if spoilt:
            self._do("spoil", "Get", "internal")
        self._do("refresh")

    @rule(name=NAMES, shape=SHAPE)
    def follow(self, name: str, shape: int) -> None:
        """News of a pod, and of the same pod again."""
        self._do("create", name, shape)
        self._do("refresh")
        self._do("finish", name)
        self._do("refresh")

    @rule(name=NAMES, shape=SHAPE, how=st.sampled_from(["CLOSE", "CUT", "EXPIRE", "TRUNCATE"]))
    def compact(self, name: str, shape: int, how: str) -> None:
        """The watch ends, and cannot go on from where it was."""
        self._do("break_watch", how)
        self._do("recreate", name, shape)
        self._do("compact")
        self._do("later", 5.0)

    @rule(seconds=PAUSES, then=LOOKS)
    def later(self, seconds: float, then: str) -> None:
        self._do("later", seconds)
        self._look(then)

    @rule(polls=st.integers(2, 6))
    def rest(self, polls: int) -> None:
        """Every fault is lifted, and the node is left alone, so that all pods are asked for in turn."""
        self._do("lift")
        for _ in range(polls):
            self._do("poll", 59.0)

    @rule(seconds=WALL_JUMPS, then=LOOKS)
    def set_wall(self, seconds: float, then: str) -> None:
        self._do("set_wall", seconds)
        self._look(then)

    @rule(seconds=st.sampled_from([2.0, 10.0, 59.0]))
    def poll(self, seconds: float) -> None:
        self._do("poll", seconds)

    @rule()
    def refresh(self) -> None:
        self._do("refresh")

    @rule()
    def scrape_at_once(self) -> None:
        self._do("scrape_at_once")

    @rule(window=WINDOWS, polls=POLLS)
    def restart_both(self, window: list[str], polls: int) -> None:
        self._do("restart_kubelet", window, "all")
        self._do("restart_exporter")
        for _ in range(polls):
            self._do("poll", 2.0)

    @rule(then=LOOKS)
    def restart_exporter(self, then: str) -> None:
        self._do("restart_exporter")
        self._look(then)

    def teardown(self) -> None:
        """Let the storm end: the page must become the truth, and nothing may be left running."""
        world = self.world
        if world is None:
            return
        broken: Violation | None = None
        try:
            if not self.broken:
                self._judged(world.calm)
        except Violation as violation:
            broken = violation
            raise
        finally:
            world.__exit__(Violation if self.broken or broken else None)

    def _look(self, then: str) -> None:
        """Let the exporter look at the node, or not."""
        if then == "poll":
            self._do("poll", 10.0)
        elif then == "refresh":
            self._do("refresh")

    def _unless(self, lasts: bool, *step: object) -> None:
        """Carry out the step that lifts a fault, unless it lasts until something else lifts it."""
        if not lasts:
            self._do(*step)

    def _do(self, *step: object) -> None:
        """Carry out one step."""
        world = self.world
        assert world is not None
        self._judged(lambda: world.do(step))

    def _judged(self, act: object) -> None:
        """Act, and keep a violation with all that led to it."""
        assert callable(act)
        assert self.world is not None
        try:
            act()
        except Violation as violation:
            self.broken = True
            world = self.world
            scenario = Scenario(world.release, world.metadata, tuple(world.trace), world.pods_api)
            self.found.append((violation, scenario))
            raise


class PodsApiStorm(Storm):
    """The same on the kubelet's Pods API, with faults of its stream."""

    @initialize(release=st.sampled_from([36, 36, 37, 38]), shapes=st.lists(SHAPE, max_size=3))
    def begin(self, release: int, shapes: list[int]) -> None:
        self._begin(World(release, pods_api=True, kept=self.counts), shapes)

    @rule(how=st.sampled_from(list(STREAM_ENDS)), then=LOOKS, lasts=LASTS)
    def refuse_pods_api(self, how: str, then: str, lasts: bool) -> None:
        self._do("refuse_pods_api", how)
        self._look(then)
        self._unless(lasts, "mend_pods_api")

    @rule(how=st.sampled_from(list(STREAM_ENDS)), name=NAMES, shape=SHAPE, then=LOOKS)
    def end_stream(self, how: str, name: str, shape: int, then: str) -> None:
        """The stream ends, and a pod changes before another one is open."""
        self._do("end_stream", how)
        self._do("recreate", name, shape)
        self._look(then)

    @rule(polls=POLLS, lasts=LASTS)
    def kill_pods_api(self, polls: int, lasts: bool) -> None:
        self._do("kill_pods_api")
        for _ in range(polls):
            self._do("poll", 10.0)
        self._unless(lasts, "mend_pods_api")


def storm_settings(*, examples: int, steps: int) -> settings:
    """Return how to run: *examples* lives of about so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # what breaks is made small by storm.kept, which plays data
        suppress_health_check=QUIET,
        print_blob=False,
        report_multiple_bugs=False,
    )
