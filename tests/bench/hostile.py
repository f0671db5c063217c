"""
Measure the exporter next to hostile clients, kubelets and neighbours: `make hostile`.

Beside each attack a good scraper scrapes alternately over a kept connection and over new ones, and a prober asks
both probes; everything is on loopback. Prints how many of their requests were answered, the slowest, the most threads
and the most resident memory. Exit 1 where a promise is broken: all of them answered, the first login of another scraper
beside guessers within five seconds, fewer than 100 threads, memory below three quarters of the chart's limit.
Some three minutes; `--seconds` and `--only` make it less.
"""

import argparse
import base64
import contextlib
import http.client
import json
import re
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

import bcrypt
import trustme
from bench.hostile_attacks import (
    HALF_HEAD,
    HELLO,
    HOST,
    Attack,
    guessers,
    handshakes,
    holding,
    slow_heads,
    slow_readers,
    viewers,
)
from bench.rigs.answers import News, node_of
from bench.rigs.children import beside
from bench.rigs.kubelet import running_kubelet
from bench.rigs.sizes import SIZES, XL, L, S, Size

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.sim.podresources.endpoint import Endpoint

CLOCK = SystemClock()
MOST_THREADS, MOST_MIB, LOGIN_SECONDS = 100, 0.75 * 256, 5.0
GOOD = {name: f"Basic {base64.b64encode(f'{name}:secret'.encode()).decode()}" for name in ("prometheus", "grafana")}
PAUSE_SECONDS, TIMEOUT_SECONDS = 0.05, 10.0
FAST = Path(__file__).parent / "rigs" / "fast.py"


@dataclass(frozen=True, slots=True)
class Scene:
    """One attack: against an exporter of which size, with which web config, behind which kubelet."""

    title: str
    attack: Attack | None
    size: Size = S
    web: str = ""  # "", "passwords", "tls" or both
    kubelet: Callable[[Path], contextlib.AbstractContextManager[Path]] | None = None


@dataclass(slots=True)
class Seen:
    """What the good clients saw of one scene."""

    answered: dict[str, int] = field(default_factory=lambda: {"scrapes": 0, "probes": 0})
    asked: dict[str, int] = field(default_factory=lambda: {"scrapes": 0, "probes": 0})
    slowest_ms: float = 0.0
    threads: int = 0
    mib: float = 0.0
    login_seconds: float | None = None

    @property
    def faults(self) -> list[str]:
        """What was promised and is not so."""
        found = [f"{kind} failed" for kind in self.asked if self.answered[kind] < self.asked[kind]]
        found += ["threads"] * (self.threads >= MOST_THREADS) + ["memory"] * (self.mib > MOST_MIB)
        return found + ["first login"] * (self.login_seconds is not None and self.login_seconds > LOGIN_SECONDS)


class Client:
    """A good client of the exporter."""

    def __init__(self, port: int, context: ssl.SSLContext | None, user: str = "prometheus") -> None:
        self._port, self._context, self._headers = port, context, {"Authorization": GOOD[user]}
        self._kept = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(HOST, self._port, timeout=TIMEOUT_SECONDS)
        return http.client.HTTPSConnection(HOST, self._port, timeout=TIMEOUT_SECONDS, context=self._context)

    def get(self, path: str, *, keep: bool = False) -> int:
        """Return the status, 0 where there is none. As every client, it repeats what meets a closed idle connection."""
        for _ in range(2 if keep else 1):
            connection = self._kept if keep else self._connect()
            is_used = keep and connection.sock is not None
            try:
                connection.request("GET", path, headers={**self._headers, "Accept-Encoding": "gzip"})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if not is_used:
                    return 0
            else:
                if not keep:
                    connection.close()
                return response.status
        return 0


def web_config(folder: Path, kind: str) -> tuple[list[str], ssl.SSLContext | None]:
    """Return the flags for a web config file of this kind, and what a client needs for it."""
    if not kind:
        return [], None
    content: dict[str, object] = {}
    context = None
    if "passwords" in kind:
        hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
        content["basic_auth_users"] = dict.fromkeys(GOOD, hashed)
    if "tls" in kind:
        ca = trustme.CA()
        pair = ca.issue_cert(HOST)
        (folder / "cert.pem").write_bytes(b"".join(each.bytes() for each in pair.cert_chain_pems))
        (folder / "key.pem").write_bytes(pair.private_key_pem.bytes())
        content["tls_server_config"] = {"cert_file": "cert.pem", "key_file": "key.pem"}
        context = ssl.create_default_context()
        ca.configure_trust(context)
    (folder / "web.yml").write_text(json.dumps(content))
    return [f"--web.config.file={folder / 'web.yml'}"], context


@contextlib.contextmanager
def exporter(socket_path: Path, sysfs: Path, flags: Sequence[str], *, fast: bool) -> Iterator[tuple[int, int]]:
    """Yield port and process number of a running exporter; *fast* polls four times a second."""
    command = [sys.executable, "-P", str(FAST), "0.25"] if fast else [sys.executable, "-m", "podres_exporter", "serve"]
    command += [f"--kubelet.socket={socket_path}", f"--topology.sysfs={sysfs}", f"--web.listen-address={HOST}:0"]
    command += ["--metadata.source=none", "--node-name=n1", "--snapshot.hold-down=0s", *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = next(match for line in process.stderr if (match := re.search(r"://[^/]*:([0-9]+)", line)))
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextlib.contextmanager
def goodbye_kubelet(folder: Path) -> Iterator[Path]:
    """Yield the socket of a server that greets each client with SETTINGS and GOAWAY and hangs up."""
    path = folder / "goaway.sock"
    with beside(_say_goodbye, str(path)):
        yield path


def _say_goodbye(path: str) -> None:
    import socket  # noqa: PLC0415 - in the child alone

    settings = struct.pack(">I", 0)[1:] + b"\x04\x00" + bytes(4)
    goaway = struct.pack(">I", 8)[1:] + b"\x07\x00" + bytes(4) + bytes(8)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        while True:
            sock, _ = listener.accept()
            with sock, contextlib.suppress(OSError):
                sock.sendall(settings + goaway)
                sock.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def restless_kubelet(folder: Path) -> Iterator[Path]:
    """Yield the socket of a kubelet whose 500 pods are in other namespaces each time that it is asked."""
    path = folder / "restless.sock"
    with beside(_serve_restless, path):
        yield path


def _serve_restless(path: Path) -> None:
    rounds = iter(range(1_000_000))

    def answer(method: str, _: bytes, __: object) -> bytes:
        if not method.endswith("/List"):
            return pb.AllocatableResourcesResponse().SerializeToString()
        number = next(rounds)
        pods = pb.ListPodResourcesResponse()
        for index in range(500):
            pod = pods.pod_resources.add(namespace=f"run-{number}-{index}", name="job")
            held = pod.containers.add(name="main", cpu_ids=[index])
            held.devices.add(resource_name="nvidia.com/gpu", device_ids=[f"GPU-{index}"])
        return pods.SerializeToString()

    endpoint = Endpoint(path, answer)
    endpoint.start()
    while endpoint.serving:
        threading.Event().wait(1)


def watch(pid: int, seen: Seen, stop: threading.Event) -> None:
    """Note the most threads and the most memory."""
    while not stop.wait(0.05):
        with contextlib.suppress(OSError, ProcessLookupError):
            status = Path(f"/proc/{pid}/status").read_text()
            found = {
                name: int(number) for name, number in re.findall(r"^(Threads|VmRSS):\s*([0-9]+)", status, re.MULTILINE)
            }
            seen.threads, seen.mib = max(seen.threads, found["Threads"]), max(seen.mib, found["VmRSS"] / 1024)


def log_in(client: Client, seen: Seen) -> None:
    """Note how long the first login of a scraper takes that tries again twice a second."""
    began = CLOCK.monotonic_seconds()
    for _ in range(60):
        if client.get("/metrics") == 200:
            break
        threading.Event().wait(0.5)
    seen.login_seconds = CLOCK.monotonic_seconds() - began


def ask(client: Client, seen: Seen, seconds: float) -> None:
    """Scrape and probe for so long."""
    until = CLOCK.monotonic_seconds() + seconds
    turns = (("scrapes", "/metrics", True), ("probes", "/-/healthy", False), ("scrapes", "/metrics", False))
    while CLOCK.monotonic_seconds() < until:
        for kind, path, keep in turns:
            began = CLOCK.monotonic_seconds()
            status = client.get(path, keep=keep)
            seen.slowest_ms = max(seen.slowest_ms, (CLOCK.monotonic_seconds() - began) * 1000)
            seen.asked[kind] += 1
            seen.answered[kind] += status == 200
        threading.Event().wait(PAUSE_SECONDS)


def play(scene: Scene, usual: Path, sysfs: Path, seconds: float) -> Seen:
    """Return what good clients saw during the attack."""
    seen, stop = Seen(), threading.Event()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podres-")))
        flags, context = web_config(folder, scene.web)
        socket_path = stack.enter_context(scene.kubelet(folder)) if scene.kubelet else usual
        is_fast = scene.kubelet is restless_kubelet
        port, pid = stack.enter_context(exporter(socket_path, sysfs, flags, fast=is_fast))
        client = Client(port, context)
        is_answered = scene.kubelet is not goodbye_kubelet
        while client.get("/metrics") != 200 or (is_answered and client.get("/-/ready") != 200):
            threading.Event().wait(0.05)
        client.get("/metrics", keep=True)
        watcher = threading.Thread(target=watch, args=(pid, seen, stop))
        watcher.start()
        if scene.attack:
            stack.enter_context(beside(scene.attack, port))
            threading.Event().wait(1.0)
        logins = [threading.Thread(target=log_in, args=(Client(port, context, "grafana"), seen))]
        for each in logins if "passwords" in scene.web else []:
            each.start()
        ask(client, seen, seconds)
        for each in logins if "passwords" in scene.web else []:
            each.join()
        stop.set()
        watcher.join()
    return seen


SCENES = (
    Scene("nothing", None),
    *(Scene(f"{count} guessers", guessers(count), web="passwords") for count in (10, 100, 300)),
    Scene("100 guessers over TLS", guessers(100, is_secure=True), web="passwords, tls"),
    Scene("300 guessers of the scraper's user", guessers(300, "grafana"), web="passwords"),
    *(Scene(f"80 viewers of {size.name}", viewers(80), size=size) for size in SIZES),
    Scene("1,500 half heads", holding(1500, HALF_HEAD)),
    Scene("500 heads byte by byte", slow_heads(500)),
    Scene("1,500 half handshakes on TLS", holding(1500, HELLO), web="tls"),
    Scene("1,500 idle connections", holding(1500, b"")),
    Scene("200 slow readers of L", slow_readers(200), size=L),
    Scene("200 slow readers of XL", slow_readers(200), size=XL),
    Scene("20 clients that agree on TLS for ever", handshakes(20), web="tls"),
    Scene("a kubelet that says GOAWAY", None, kubelet=goodbye_kubelet),
    Scene("500 pods in ever new namespaces", None, kubelet=restless_kubelet),
)


def main() -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(description="What can hostile clients do to the exporter?")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each attack lasts (6)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only attacks whose name contains this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    columns = f"{'scrapes':>12}{'probes':>12}{'slowest ms':>12}{'threads':>9}{'MiB':>7}{'first login s':>15}"
    print(f"{'beside':<40}{columns}", flush=True)
    for size in SIZES:
        scenes = [each for each in SCENES if each.size is size and options.only in each.title]
        if not scenes:
            continue
        with running_kubelet(node_of(size, [News.FEW])) as kubelet:
            for scene in scenes:
                seen = play(scene, kubelet.socket(News.FEW), kubelet.sysfs, options.seconds)
                shares = [f"{seen.answered[kind]}/{seen.asked[kind]}" for kind in ("scrapes", "probes")]
                login = "" if seen.login_seconds is None else f"{seen.login_seconds:.1f}"
                print(
                    f"{scene.title:<40}{shares[0]:>12}{shares[1]:>12}{seen.slowest_ms:>12.0f}{seen.threads:>9}"
                    f"{seen.mib:>7.0f}{login:>15}  {', '.join(seen.faults)}",
                    flush=True,
                )
                rows.append({"beside": scene.title, "shares": shares, "faults": seen.faults, "mib": seen.mib})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return any(row["faults"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
