"""The API-server source in front of a simulated API server, on a clock that tests control."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from eventually import eventually
from fake_clock import FakeClock
from tls_rig import Authority

from podres_exporter.clock import Clock
from podres_exporter.errors import Reason
from podres_exporter.kube.auth.credentials import Credentials, ServiceAccount, user_agent
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient, Limits
from podres_exporter.kube.reflector.list_watch import ListWatch, pods_of_node
from podres_exporter.model import Malformed, PodKey
from podres_exporter.sim.api import ApiServer, Store, kubeconfig

NODE = "n1"
TOKEN = "a-token"  # noqa: S105 - a test's own
QUICK = Limits(connect_seconds=2.0, list_seconds=0.2, silence_seconds=0.2, body_bytes=1_000_000, line_bytes=100_000)
PATIENT = Limits(
    connect_seconds=60.0, list_seconds=60.0, silence_seconds=60.0, body_bytes=1_000_000, line_bytes=100_000
)


class ParkingClock(FakeClock):
    """Whoever would wait beyond `limit_seconds` is parked there, in real time, until it is raised."""

    def __init__(self) -> None:
        super().__init__()
        self.limit_seconds = math.inf
        self._parked: dict[int, float] = {}

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        until = self.monotonic_seconds() + timeout_seconds
        while until > self.limit_seconds:
            self._parked[threading.get_ident()] = until
            if event.wait(0.002):
                break
        self._parked.pop(threading.get_ident(), None)
        return super().wait(event, timeout_seconds)

    def is_parked(self) -> bool:
        """Return whether a thread waits for a time beyond the limit."""
        return any(until > self.limit_seconds for until in list(self._parked.values()))

    def run_until(self, limit_seconds: float) -> None:
        """
        Let the time go on until somebody waits for later than that.

        A limit that is set after a thread has started is no limit: how far that came by then is the machine's affair.
        """
        assert self.monotonic_seconds() <= limit_seconds, "the time went on before it was limited"
        self.limit_seconds = limit_seconds
        assert eventually(self.is_parked), "nobody waits"


class Recorder:
    """Implements MetadataObserver by writing down, and collects what is told to the listener."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.requests: list[tuple[str, float]] = []
        self.errors: Counter[tuple[str, str]] = Counter()
        self.restarts: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.bytes = 0
        self.items: list[Malformed] = []
        self.told: list[set[PodKey]] = []

    def request(self, verb: str) -> None:
        self.requests.append((verb, self._clock.monotonic_seconds()))

    def error(self, verb: str, reason: Reason) -> None:
        self.errors[verb, reason.value] += 1

    def restart(self, cause: str) -> None:
        self.restarts[cause] += 1

    def event(self, kind: str) -> None:
        self.events[kind] += 1

    def received(self, number_of_bytes: int) -> None:
        self.bytes += number_of_bytes

    def malformed(self, items: Sequence[Malformed]) -> None:
        self.items += items

    def changed(self, keys: Collection[PodKey]) -> None:
        self.told.append(set(keys))

    def count(self, since: float = 0.0, until: float = math.inf) -> tuple[int, int]:
        """Return the numbers of lists and of watches of a time."""
        verbs = [verb for verb, seconds in self.requests if since <= seconds < until]
        return verbs.count("list"), verbs.count("watch")


class Site:
    """One API server and the files that a client of it needs; with an authority it speaks TLS and wants a token."""

    def __init__(self, clock: Clock, directory: Path, authority: Authority | None) -> None:
        self.clock, self.directory, self.authority = clock, directory, authority
        self.store = Store(clock)
        self.token = None if authority is None else TOKEN
        tls, trusted = (None, None) if authority is None else (authority.server_context(), authority.pem)
        self.server = ApiServer(self.store, clock, token=self.token, tls=tls)
        if authority is not None:
            (directory / "token").write_text(TOKEN)
            (directory / "ca.crt").write_bytes(authority.pem)
        (directory / "config").write_text(kubeconfig(self.server.url, self.token, trusted))

    @property
    def environ(self) -> dict[str, str]:
        """What the kubelet puts into the environment of a pod."""
        host, port = self.server.url.rpartition("//")[2].rsplit(":", 1)
        return {"KUBERNETES_SERVICE_HOST": host.strip("[]"), "KUBERNETES_SERVICE_PORT": port}

    def credentials(self) -> Credentials:
        """Return those of a pod where there is TLS, else those of a kubeconfig."""
        if self.authority is None:
            return Kubeconfig([str(self.directory / "config")], None, {}, self.clock)
        return ServiceAccount(self.environ, self.directory)

    def client(self, limits: Limits = PATIENT) -> KubeClient:
        """Return a client."""
        return KubeClient(self.credentials, user_agent(NODE), self.clock, limits)

    def connect(self, limits: Limits = PATIENT) -> ListWatch:
        """Return what lists and watches the pods of the node."""
        return pods_of_node(self.client(limits), NODE)


MakeSite = Callable[..., Site]


def client_at(
    url: str, directory: Path, clock: Clock, limits: Limits = PATIENT, token: str | None = None
) -> KubeClient:
    """Return a client of a server somewhere, by a kubeconfig that is written into the directory."""
    path = directory / "raw-config"
    path.write_text(kubeconfig(url, token))
    return KubeClient(lambda: Kubeconfig([str(path)], None, {}, clock), user_agent(NODE), clock, limits)
