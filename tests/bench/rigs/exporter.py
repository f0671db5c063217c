"""The exporter as a process in front of a simulated kubelet."""

import contextlib
import gzip
import http.client
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rigs.apiserver import Account
from bench.rigs.children import ended
from bench.rigs.program import Program
from bench.rigs.sizes import NODE
from bench.rigs.timing import CLOCK, pause

PATIENCE_SECONDS, LOOK_SECONDS = 30.0, 0.005
FAST = Path(__file__).with_name("fast.py")
HOLDS, SYNCED = "podres_container_devices{", "podres_metadata_synced 1"
FOLLOWED = "podres_node_dra_devices{"
DRA = "apiserver with DRA"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the exporter stands in front of; without an account it asks no API server, but the Pods API, if given."""

    socket: Path
    sysfs: Path
    account: Account | None = None
    has_dra: bool = False
    pods_api: Path | None = None

    @property
    def source(self) -> str:
        """What is asked beside the kubelet."""
        if self.pods_api is not None:
            return "podsapi"
        return "none" if self.account is None else DRA if self.has_dra else "apiserver"

    @property
    def signs(self) -> tuple[str, ...]:
        """What a page has once it is complete."""
        if self.pods_api is not None:
            return (HOLDS, SYNCED)
        if self.account is None:
            return (HOLDS,)
        return (HOLDS, SYNCED, FOLLOWED) if self.has_dra else (HOLDS, SYNCED)

    @property
    def inside(self) -> list[str]:
        """What stands before the command."""
        return [] if self.account is None else self.account.inside

    def environment(self, program: Program) -> dict[str, str]:
        """Return the program's environment, as in a pod where there is an account."""
        return {**program.environment, **(self.account.environment if self.account else {})}

    def flags(self, port: int = 0) -> list[str]:
        """Return the flags of `serve`."""
        flags = [f"--kubelet.socket={self.socket}", f"--topology.sysfs={self.sysfs}", f"--node-name={NODE}"]
        flags += [f"--web.listen-address=127.0.0.1:{port}", "--snapshot.hold-down=0s", "--snapshot.max-age=1h"]
        if self.account is None and self.pods_api is None:
            return [*flags, "--metadata.source=none"]
        flags += [f"--metadata.source={'apiserver' if self.pods_api is None else 'podsapi'}"]
        flags += ["--metadata.pod-labels-allowlist=pods=[*]"]
        if self.pods_api is not None:
            return [*flags, f"--metadata.podsapi-socket={self.pods_api}"]
        return flags if self.has_dra else [*flags, "--no-collector.dra"]


class Exporter:
    """A running one; pages are asked for as Prometheus does, compressed, over a connection that is kept."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Wait until it listens."""
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "event=started" in line:
                break
        found = re.search(r"://127\.0\.0\.1:([0-9]+)", said[-1]) if said else None
        assert found, f"the exporter did not start: {''.join(said)}"
        self.pid, self.port = process.pid, int(found[1])
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def scrape(self) -> bytes:
        """Return the compressed page, over a new connection where the exporter has closed the idle one."""
        try:
            return self._scrape()
        except ConnectionError:
            self._connection.close()
            return self._scrape()

    def _scrape(self) -> bytes:
        self._connection.request("GET", "/metrics", headers={"Accept": "text/plain", "Accept-Encoding": "gzip"})
        return self._connection.getresponse().read()

    def page(self) -> str:
        return gzip.decompress(self.scrape()).decode()

    def wait_for(self, *texts: str) -> None:
        """Ask again and again until the page has all texts. Raises AssertionError after half a minute."""
        until = CLOCK.monotonic_seconds() + PATIENCE_SECONDS
        while CLOCK.monotonic_seconds() < until:
            page = self.page()
            if all(text in page for text in texts):
                return
            pause(LOOK_SECONDS)
        raise AssertionError(f"the page never had {texts!r}")

    def polls(self) -> int:
        """Return how often it has polled: what is allocatable is asked each time, the list only with a reason."""
        found = re.search(r'podres_kubelet_rpcs_total\{rpc="GetAllocatableResources"\} ([0-9.]+)', self.page())
        return int(float(found[1])) if found else 0

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def serving(
    program: Program, setting: Setting, interval_seconds: float | None = None, flags: Sequence[str] = ()
) -> Iterator[Exporter]:
    """Yield an exporter with a complete page; with an interval, one that polls as often as that says."""
    command = [program.command, "serve"]
    if interval_seconds is not None:
        command = [str(program.python), "-P", str(FAST), str(interval_seconds)]
    argv = [*setting.inside, *command, *setting.flags(), *flags]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=setting.environment(program))
    with ended(process):
        made = Exporter(process)
        try:
            made.wait_for(*setting.signs)
            yield made
        finally:
            made.close()
