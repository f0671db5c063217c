"""Time from the start of a process to its first complete page, and to the first line of `dump`."""

import http.client
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.dump_start import DumpCosts
from bench.rigs.answers import News, Node
from bench.rigs.apiserver import api_server
from bench.rigs.children import ended
from bench.rigs.exporter import PATIENCE_SECONDS, Setting
from bench.rigs.kubelet import running_kubelet
from bench.rigs.nginx import free_port
from bench.rigs.program import Program
from bench.rigs.sizes import S
from bench.rigs.table import Row, no_more_than
from bench.rigs.timing import CLOCK, pause
from bench.rows.memory import LIBRARIES

BUDGETS = {"none": no_more_than(0.5, "s"), "apiserver": no_more_than(1.0, "s")}
DUMP = no_more_than(250, "ms CPU")
LOOK_SECONDS = 0.004


def start_rows(node: Node, programs: Sequence[Program], runs: int) -> Iterator[Row]:
    """Yield the start of each program with each source of metadata, against one that only imports the libraries."""
    with (
        tempfile.TemporaryDirectory(prefix="podres-") as temporary,
        running_kubelet(node) as kubelet,
        api_server(node.size, Path(temporary)) as account,
    ):
        for program in programs:
            for chosen in (None, account):
                setting = Setting(kubelet.socket(News.SAME), kubelet.sysfs, chosen)
                starts, floors = [], []
                for _ in range(runs):
                    starts.append(_first_page(program, setting))
                    floors.append(_imports(program, setting.source))
                what, note = "start to first good page", f"{program.label}, source {setting.source}"
                figure, floor = statistics.median(starts), statistics.median(floors)
                budget = BUDGETS[setting.source] if node.size.name == S.name else None
                against = "importing the libraries alone"
                yield Row("start", what, node.size.name, figure, "s", floor, against, budget, note)


def _first_page(program: Program, setting: Setting) -> float:
    """Return the seconds from the start to the end of the first page that is complete."""
    port = free_port()
    began = CLOCK.monotonic_seconds()
    process = subprocess.Popen(
        [*setting.inside, program.command, "serve", *setting.flags(port)],
        stderr=subprocess.DEVNULL,
        text=True,
        env=setting.environment(program),
    )
    with ended(process):
        while CLOCK.monotonic_seconds() - began < PATIENCE_SECONDS:
            page = _page(port)
            if all(sign in page for sign in setting.signs):
                return CLOCK.monotonic_seconds() - began
            pause(LOOK_SECONDS)
    raise AssertionError("the first good page never came")


def _page(port: int) -> str:
    """Return the page, empty if the server does not listen yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/metrics", headers={"Accept": "text/plain"})
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def _imports(program: Program, source: str) -> float:
    began = CLOCK.monotonic_seconds()
    subprocess.run([str(program.python), "-c", LIBRARIES[source]], check=True, env=dict(program.environment))
    return CLOCK.monotonic_seconds() - began


def dump_rows(costs: DumpCosts) -> Iterator[Row]:
    """Yield what `dump` costs before it says anything."""
    whole, note = costs.whole * 1000, "venv, source none"
    yield Row("start", "dump", "demo", whole, "ms CPU", costs.imports * 1000, "its imports alone", DUMP, note)
    yield Row("start", "dump's imports", "demo", costs.imports * 1000, "ms CPU", costs.python * 1000, "Python alone")
