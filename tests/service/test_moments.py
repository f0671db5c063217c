"""
Combinations of events around a kubelet restart, each checked second by second on a real socket.

No device that a running pod holds is shown as free, no row of a running pod vanishes, what is free is absent rather
than too large, and every wait ends by itself once its cause is over (findings R1, R2, R5). Time is the test's; what
the API server says is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fake_clock import FakeClock
from rig import OLD_KUBELET_SECONDS, Rig
from scripted_metadata import Told

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError
from podres_exporter.model import ContainerKind, ContainerSpec, Mark, PodMeta
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

GPU = "example.com/gpu"
GPUS = [pb.ContainerDevices(resource_name=GPU, device_ids=[f"GPU-{number}"]) for number in range(12)]
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=GPUS, cpu_ids=range(1, 8)).SerializeToString()
OWN, STATIC = ("podres", "exporter-x7k2p"), ("kube-system", "kube-proxy-node1")
POLL, HALF_OPEN_SECONDS = 10.0, 90.0

RESTARTS = ("alone", "api away", "half-open", "api back first", "credentials expired")
PODS = ("still", "rolling", "terminating", "coming and going")


@dataclass
class Running:
    """A pod that runs: since when, which GPU it holds (None: none), and whether it is being deleted."""

    uid: str
    gpu: int | None
    since: float
    deleting: bool = False


@dataclass
class Moment:
    """One cell of the matrix, played."""

    kubelet: SimKubelet
    rig: Rig
    source: Told | None
    clock: FakeClock
    restart: str
    pods: str
    has_get: bool
    running: dict[tuple[str, str], Running] = field(default_factory=dict)
    kubelet_is_up: bool = True
    kubelet_has_api: bool = True
    api_is_up: bool = True
    deaf_since: float | None = None
    next_poll: float = 0.0
    born: int = 0
    went: list[float] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.clock.monotonic_seconds()

    def set_up(self) -> None:
        for number in range(3):
            self.start("ml", f"train-{number}", number)
        self.running[OWN] = Running("own", None, self.now - 1000)
        self.running[STATIC] = Running("static", 8, self.now - 1000)
        if self.pods == "terminating":
            self.running["ml", "train-1"].deleting = True
        self.answer()

    def start(self, namespace: str, name: str, gpu: int) -> None:
        """Let the kubelet admit a pod."""
        self.born += 1
        self.running[namespace, name] = Running(f"{name}-{self.born}", gpu, self.now)

    def end(self, key: tuple[str, str]) -> None:
        del self.running[key]
        self.went.append(self.now)

    def answer(self) -> None:
        """Let the kubelet answer with what it knows now, and the API server tell what it does."""
        known = [key for key in sorted(self.running) if self.kubelet_has_api or key == STATIC]
        rows = {key: self._row(key) for key in known}
        gets = {key: pb.GetPodResourcesResponse(pod_resources=row).SerializeToString() for key, row in rows.items()}
        listed = pb.ListPodResourcesResponse(pod_resources=list(rows.values())).SerializeToString()
        self.kubelet.answers = FixedAnswers(listed, ALLOCATABLE, gets)
        if self.source is None:
            return
        if self.api_is_up and self.deaf_since is None:
            before = dict(self.source.metadata().pods)
            self.source.tell(*(self._meta(key, each) for key, each in sorted(self.running.items())))
            after = self.source.metadata().pods
            self.rig.changes.report([key for key in {*before, *after} if before.get(key) != after.get(key)])
        elif self.deaf_since is not None and self.now - self.deaf_since >= self._patience() and self.is_followed():
            self.source.lose(is_away=True)

    def _patience(self) -> float:
        return POLL + (HALF_OPEN_SECONDS if self.restart == "half-open" else 0)

    def is_followed(self) -> bool:
        return self.source is not None and self.source.metadata().synced

    def _row(self, key: tuple[str, str]) -> pb.PodResources:
        held = self.running[key].gpu
        container = pb.ContainerResources(name="main", devices=[] if held is None else [GPUS[held]])
        return pb.PodResources(namespace=key[0], name=key[1], containers=[container])

    @staticmethod
    def _meta(key: tuple[str, str], pod: Running) -> PodMeta:
        asks = () if pod.gpu is None else ((GPU, 1),)
        return PodMeta(
            *key,
            pod.uid,
            phase="Running",
            has_started=True,
            is_deleting=pod.deleting,
            is_mirror=key == STATIC,
            containers=(ContainerSpec("main", ContainerKind.APP, devices=asks),),
        )

    def happen(self, second: int) -> None:
        """Let pods do what they do, where the kubelet hears of it; a terminating one ends some time after it."""
        if not (self.kubelet_is_up and self.kubelet_has_api and self.api_is_up):
            return
        if self.pods == "rolling" and second % 15 == 7:
            name = f"train-{second // 15 % 3}"
            held = self.running["ml", name].gpu
            self.end(("ml", name))
            self.start("ml", name, 7 if held is None else (held + 3) % 6 if (held + 3) % 6 not in self.held() else held)
        if self.pods == "coming and going" and second % 3 == 1:
            for key in [key for key in self.running if key[0] == "ci" and self.now - self.running[key].since >= 6]:
                self.end(key)
            self.start("ci", f"run-{second}", 9 + second // 3 % 3)
        if self.pods == "terminating" and second == 200 and ("ml", "train-1") in self.running:
            self.end(("ml", "train-1"))

    def held(self) -> set[int]:
        return {pod.gpu for pod in self.running.values() if pod.gpu is not None}

    def script(self, second: int) -> None:
        """Let kubelet and API server go and come as the moment has it."""
        away = self.restart in {"api away", "half-open"}
        match second:
            case 20 if away:
                self.api_is_up, self.deaf_since = False, self.now
            case 20 if self.restart == "api back first":
                self.api_is_up, self.deaf_since, self.kubelet_is_up = False, self.now, False
                self.stopped_at = self.now
                self.kubelet.kill()
            case 25 if self.restart == "api back first":
                self.api_is_up, self.deaf_since = True, None
            case 30:
                self.kubelet_is_up, self.kubelet_has_api = True, False
                self.stopped_at, self.restarted_at = self.stopped_at or self.now, self.now
                self.answer()
                self.kubelet.restart()
                assert eventually(self._is_connected), "gRPC has not connected again"
            case 34 if self.restart in {"alone", "api back first"}:
                self.kubelet_has_api = True
            case 180:
                self.api_is_up, self.deaf_since = True, None
            case 186 if not self.kubelet_has_api:
                self.kubelet_has_api, self.back_at = True, self.now

    def _is_connected(self) -> bool:
        try:
            self.rig.client.allocatable()
        except KubeletError:
            return False
        return True

    def turn(self) -> None:
        """Do what the loop does in a second."""
        poller = self.rig.poller
        if self.now >= self.next_poll:
            self.next_poll = self.now + poller.tick()
        elif poller.due() <= 0 or self.rig.rings:
            self.rig.rings = 0
            poller.refresh()

    def check(self) -> None:
        """See that the snapshot keeps the promises."""
        allocation = self.rig.snapshots[-1].allocation
        shown = {view.pod.key: view for view in allocation.pods} if allocation else {}
        free = [stock.free for stock in allocation.devices if stock.resource == GPU] if allocation else []
        free_ids = frozenset[str]().union(*(ids for ids in free if ids is not None))
        for key, pod in self.running.items():
            if self.now - pod.since < self._delay() or self._is_unheard_of(pod):
                continue
            assert pod.gpu is None or f"GPU-{pod.gpu}" not in free_ids, (key, pod)
            assert key in shown or pod.uid not in self.listed or self.has_been_away_for_long(), key
            if key in shown:
                self.listed.add(pod.uid)

    def _is_unheard_of(self, pod: Running) -> bool:
        """Return whether nobody can have told of it: it started after the last List before the restart."""
        return self.source is None and not self.kubelet_has_api and pod.since > self.stopped_at - POLL * 1.1

    def has_been_away_for_long(self) -> bool:
        """Return whether rows may have gone with their maximum age, and be away until the next List."""
        if not self.kubelet_has_api:
            return self.now - self.restarted_at > 100
        return self.back_at - self.restarted_at > 100 and self.now - self.back_at < POLL * 2

    restarted_at: float = 0.0
    back_at: float = 0.0
    stopped_at: float = 0.0
    listed: set[str] = field(default_factory=set)

    def _delay(self) -> float:
        """Return how long a new pod may be unseen: the loop's spacing with Get, else a poll interval and its jitter."""
        return 2.0 if self.has_get and self.is_followed() else POLL * 1.1 + 1

    def settled(self) -> bool:
        allocation = self.rig.allocation()
        shown = {view.pod.key: view for view in allocation.pods}
        old = {key for key, pod in self.running.items() if self.now - pod.since >= self._delay()}
        free = [stock.free for stock in allocation.devices if stock.resource == GPU]
        return (
            old <= shown.keys()
            and not any(part.held for part in self.rig.snapshots[-1].parts)
            and all(view.mark is Mark.CURRENT for view in shown.values())
            and all(ids is not None for ids in free)
        )


@pytest.fixture
def moment(short_dir: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Moment]:
    restart, pods, has_metadata, is_inside, has_get = request.param
    clock = FakeClock(SystemClock().wall_seconds() + OLD_KUBELET_SECONDS)
    source = Told() if has_metadata else None
    settings = KubeletSettings(Release(36 if has_get else 30))
    socket = short_dir / "kubelet.sock"
    kubelet = SimKubelet(socket, FixedAnswers(b"", ALLOCATABLE), clock, settings)
    if not has_get:
        kubelet.override("Get", RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled"))
    with kubelet, Rig(socket, tmp_path, clock=clock, metadata=source, own=OWN if is_inside else None) as rig:
        made = Moment(kubelet, rig, source, clock, restart, pods, has_get)
        made.set_up()
        yield made


CELLS = tuple(product(RESTARTS, PODS, (True, False), (True, False), (True, False)))


def name_of(cell: tuple[str, str, bool, bool, bool]) -> str:
    restart, pods, has_metadata, is_inside, has_get = cell
    where = "inside" if is_inside else "outside"
    return ", ".join((restart, pods, "metadata" if has_metadata else "none", where, "Get" if has_get else "no Get"))


@pytest.mark.parametrize("moment", CELLS, indirect=True, ids=map(name_of, CELLS))
def test_a_moment(moment: Moment) -> None:
    """Four minutes of it, and then at most the hold-down until everything is as it should be."""
    for second in range(240):
        moment.script(second)
        moment.happen(second)
        moment.answer()
        moment.turn()
        moment.check()
        moment.clock.advance(1)
    for second in range(240, 330):
        moment.happen(second)
        moment.answer()
        moment.turn()
        moment.check()
        moment.clock.advance(1)
        if second > 250 and moment.settled():
            break
    assert moment.settled()
    assert moment.rig.poller.ready()[0]
    page = moment.rig.scrape()
    assert (0, 0) == (page.value("podres_snapshot_held", part="pods"), page.value("podres_snapshot_stale", part="pods"))
    assert 0 == page.value("podres_kubelet_resync_differences_total")
