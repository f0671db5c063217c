"""
A load generator with keep-alive connections in its own process.

As a script: `load.py JSON` asks each target in turn, forwards and backwards, block by block, and prints what it saw.
"""

import json
import selectors
import socket
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

from bench.rigs.timing import CLOCK

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """A page on this machine."""

    port: int
    path: str
    gzip: bool

    @property
    def request(self) -> bytes:
        """The request, whole."""
        encoding = "Accept-Encoding: gzip\r\n" if self.gzip else ""
        return f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n{encoding}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds from a request to the last byte of its answer, and how many there were."""

    p50_ms: float
    p99_ms: float
    answers: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clients ask at once, and for how long in each of how many blocks."""

    clients: int
    block_seconds: float
    blocks: int


def load(targets: Sequence[Target], plan: Plan) -> list[Seen]:
    """Return what was seen of each target."""
    document = json.dumps({"targets": [asdict(target) for target in targets], "plan": asdict(plan)})
    done = subprocess.run([sys.executable, __file__, document], check=True, stdout=subprocess.PIPE, text=True)
    return [Seen(**seen) for seen in json.loads(done.stdout)]


class Client:
    """One connection with one request under way."""

    def __init__(self, target: Target) -> None:
        self._request = target.request
        self.socket = socket.create_connection(("127.0.0.1", target.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._missing = 0
        self._sent_at = 0.0

    def ask(self) -> None:
        self._missing = -1
        self._sent_at = CLOCK.monotonic_seconds()
        self.socket.sendall(self._request)

    def receive(self) -> float | None:
        """Read once; return the milliseconds since the request if the answer is whole. The head comes in one piece."""
        count = self.socket.recv_into(self._buffer)
        if not count:
            raise ConnectionError("the server has closed the connection")
        if self._missing < 0:
            head, _, _ = bytes(self._buffer[: min(count, 4096)]).partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(head.decode())
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            self._missing = int(length.partition(b":")[2]) + len(head) + 4
        self._missing -= count
        return (CLOCK.monotonic_seconds() - self._sent_at) * 1000 if self._missing == 0 else None


def one_client(client: Client, seconds: float) -> list[float]:
    """Return how long each answer took, one after the other."""
    taken: list[float] = []
    until = CLOCK.monotonic_seconds() + seconds
    while CLOCK.monotonic_seconds() < until:
        client.ask()
        while (ms := client.receive()) is None:
            pass
        taken.append(ms)
    return taken


def many_clients(clients: Sequence[Client], seconds: float) -> list[float]:
    """Return how long each answer took to clients that ask at once, each as soon as it has its answer."""
    taken: list[float] = []
    until = CLOCK.monotonic_seconds() + seconds
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        waiting = len(clients)
        while waiting:
            for key, _ in selector.select():
                client = key.data
                if (ms := client.receive()) is None:
                    continue
                taken.append(ms)
                if CLOCK.monotonic_seconds() < until:
                    client.ask()
                else:
                    waiting -= 1
    return taken


def measure(targets: Sequence[Target], plan: Plan) -> list[Seen]:
    """Return what was seen of each target; a first short block of each does not count."""
    connected = [[Client(target) for _ in range(plan.clients)] for target in targets]
    taken: list[list[float]] = [[] for _ in targets]
    for block in range(plan.blocks + 1):
        order = range(len(targets)) if block % 2 else reversed(range(len(targets)))
        for number in order:
            clients = connected[number]
            seconds = plan.block_seconds if block else 0.2 * plan.block_seconds
            found = one_client(clients[0], seconds) if plan.clients == 1 else many_clients(clients, seconds)
            taken[number] += found if block else []
    for clients in connected:
        for client in clients:
            client.socket.close()
    return [Seen(statistics.median(each), _p99(each), len(each)) for each in taken]


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[-1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    seen = measure([Target(**target) for target in asked["targets"]], Plan(**asked["plan"]))
    print(json.dumps([asdict(each) for each in seen]))
