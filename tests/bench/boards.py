"""
Measure what the dashboards and the rules cost a Prometheus with thousands of nodes.

    python tests/bench/boards.py [--nodes 2000] [--boards FOLDER] [--json FILE]

A real page of the exporter is multiplied to so many nodes and written into a real Prometheus by `promtool tsdb
create-blocks-from openmetrics`. Each rule is asked once for what it records, and once, for what it costs, how many
series that is: its rows are not sent. What it records is written for six hours (of nodes: for eight minutes,
as all raw series are). Then each panel is asked what it asks with its variables as they are when its board is
opened, over six hours where it is a curve. CPU seconds are those of the process, so a busy machine does not matter.
A panel that finds nothing costs nothing and says nothing, so it counts as a fault: every panel has something to show.
"""

# ruff: noqa: E402 - the helpers of the tests are found below
import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import yaml

sys.path[:0] = [str(Path(__file__).parents[1] / each) for each in ("rigs", "rigs/programs", "samples")]

from observed_rig import asked, exporter, wait_until
from processes import get
from promql_rig import BOARDS, RULES, metric_names, panels, prometheus_server, tool

from podres_exporter.clock import SystemClock

MOST_CPU_SECONDS, MOST_MIB, MOST_RULE_CPU_SECONDS = 1.0, 2.0, 2.0
"""The budgets: a panel, its answer, and one evaluation of every rule."""

STEP_SECONDS, LIVE_SECONDS = 120, 480
RANGE_SECONDS, RANGE_STEP = 6 * 3600, 30
NAMESPACES, WORKLOADS = 40, 25
TROUBLED = 100
"""One node in so many has a kubelet that restarts and an API server out of reach, so that such panels have rows."""
SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
COUNTERS = ("_total", "_bucket", "_count", "_sum")
WANTED = ("podres_container_device_info", "podres_pod_info")
CLOCK = SystemClock()
Sample = tuple[str, str, float]


class Cost(NamedTuple):
    """What one question costs, and what it found."""

    what: str
    kind: str
    cpu_seconds: float
    mib: float
    rows: Sequence[Mapping[str, Any]]
    problem: str = ""


def page() -> list[Sample]:
    """Return the samples of one real page: name, labels as text, value."""

    def text(port: int) -> str:
        return get(f"http://127.0.0.1:{port}/metrics")[1]

    def samples(port: int) -> list[Sample]:
        return [(each["name"], each["labels"] or "", float(each["value"])) for each in SAMPLE.finditer(text(port))]

    def is_complete(port: int) -> bool:
        # Running totals begin at 0, and a counter that is 0 is taken for one that stands still.
        found = samples(port)
        workloads = [value for name, _, value in found if name == "podres_workload_device_seconds_total"]
        return all(workloads) and {"podres_workload_device_seconds_total", *WANTED} <= {name for name, *_ in found}

    with tempfile.TemporaryDirectory(prefix="pr") as short, exporter(Path(short)) as port:
        assert wait_until(lambda: is_complete(port), 30)
        found = samples(port)
    return [each for each in found if each[0] != "podres_cpu_info"]  # off by default, and one series a CPU


def of_node(labels: str, number: int) -> str:
    """Return the labels as another node has them."""
    name = f'node="gpu-node-{number:04}"'
    labels = re.sub(r'(?<![a-z_])pod="([^"]*)"', rf'pod="\1-{number}"', labels)
    labels = re.sub(r'namespace="([^"]*)"', rf'namespace="\1-{number % NAMESPACES}"', labels)
    labels = re.sub(r'workload_name="([^"]*)"', rf'workload_name="\1-{number // NAMESPACES % WORKLOADS}"', labels)
    labels, times = re.subn(r'(?<![a-z_])node="[^"]*"', name, labels)
    target = f'cluster="c1",job="podres",instance="10.{number >> 8}.{number & 255}.1:10190"'
    return ",".join(filter(None, (labels, "" if times else name, target)))


def lines(samples: list[Sample], nodes: int, at: int) -> Iterator[str]:
    """Yield every node's samples of some minutes: counters grow, free devices differ by node."""
    chance = random.Random(1)  # noqa: S311 - no secret
    times = range(at - LIVE_SECONDS, at + 1, STEP_SECONDS)
    for number in range(nodes):
        free = chance.randrange(9)
        for metric, labels, value in [*samples, ("up", "", 1.0), ("scrape_samples_scraped", "", float(len(samples)))]:
            head = f"{metric}{{{of_node(labels, number)}}}"
            begins = free if metric == "podres_node_free_devices" else value
            growth = 1 / 30 if value and metric.endswith(COUNTERS) else 0.0
            if metric.endswith(("device_seconds_total", "cpu_seconds_total")) and metric.startswith("podres_"):
                growth = 1.0  # one device, or one CPU, held all the time
            if number % TROUBLED == 0 and metric == "podres_kubelet_restarts_total":
                growth = 1 / 240
            if number % TROUBLED == 0 and metric == "podres_source_up" and 'source="metadata"' in labels:
                begins = 0.0
            for time in times:
                yield f"{head} {begins + (time - times[0]) * growth} {time}\n"


def recorded(record: str, found: Iterable[Mapping[str, Any]], at: int) -> Iterator[str]:
    """Yield what a rule has recorded: six hours of it, of nodes and instances some minutes."""
    is_long = not record.startswith(("node:", "instance:"))
    times = range(at - (RANGE_SECONDS if is_long else LIVE_SECONDS), at + 1, 60)
    for row in found:
        labels = ",".join(f"{name}={json.dumps(value)}" for name, value in row["metric"].items() if name != "__name__")
        for time in times:
            yield f"{record}{{{labels}}} {row['value'][1]} {time}\n"


def write_blocks(source: Iterable[str], directory: Path) -> int:
    """Write the lines into Prometheus' folder; return how many there were."""
    file, count = directory / "lines.om", 0
    with file.open("w", encoding="utf-8") as out:
        for line in source:
            out.write(line)
            count += 1
        out.write("# EOF\n")
    create = [
        tool("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        str(file),
        str(directory / "data"),
    ]
    done = subprocess.run(create, capture_output=True, text=True, check=False)
    file.unlink()
    assert 0 == done.returncode, done.stderr
    return count


def process_on(port: int) -> int:
    """Return the process whose command names the port."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with_port = f"--web.listen-address=127.0.0.1:{port}".encode()
        if path.exists() and with_port in path.read_bytes().split(b"\0"):
            return int(path.parent.name)
    raise AssertionError(port)


@contextmanager
def served(directory: Path, at: int) -> Iterator["Asker"]:
    """Yield one who asks a Prometheus that has read the blocks."""
    with prometheus_server(directory, {}) as port:
        assert wait_until(lambda: asked(port, "query", query="count(up)", time=str(at)), 240)
        yield Asker(port, process_on(port), at)


class Asker:
    """Asks, and looks at what that costs the process."""

    def __init__(self, port: int, pid: int, at: int) -> None:
        self._port, self._pid, self._at = port, pid, at

    def ask(self, what: str, query: str, *, is_range: bool = False) -> Cost:
        """Return what a query costs at this moment, or over six hours."""
        path, times = ("query", {"time": self._at})
        if is_range:
            path, times = "query_range", {"start": self._at - RANGE_SECONDS, "end": self._at, "step": RANGE_STEP}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        before = self._cpu_seconds()
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=300)) as connection:
            connection.request("POST", f"/api/v1/{path}", urlencode({"query": query, **times}), headers)
            body = connection.getresponse().read()
        seconds, answer = self._cpu_seconds() - before, json.loads(body)
        found = answer["data"]["result"] if answer["status"] == "success" else []
        return Cost(
            what, "range" if is_range else "instant", seconds, len(body) / 2**20, found, answer.get("error", "")
        )

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


def rule_costs(directory: Path, at: int) -> list[Cost]:
    """Return what each rule costs, and write what they record, those first on which others build."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    # A group that is evaluated every other minute costs half of it each minute.
    minutes = {
        id(rule): int(group.get("interval", "1m").removesuffix("m")) for group in groups for rule in group["rules"]
    }
    waiting = [rule for group in groups for rule in group["rules"]]
    costs: list[Cost] = []
    while waiting:
        missing = {rule.get("record") for rule in waiting}
        ready = [rule for rule in waiting if not metric_names(rule["expr"]) & (missing - {rule.get("record")})]
        assert ready, missing
        with served(directory, at) as asker:
            found = [asker.ask(rule.get("record") or rule["alert"], rule["expr"]) for rule in ready]
            counted = [
                asker.ask(cost.what, f"count(\n{rule['expr']})") for rule, cost in zip(ready, found, strict=True)
            ]
            found = [cost._replace(cpu_seconds=only.cpu_seconds) for cost, only in zip(found, counted, strict=True)]
        made = zip(ready, found, strict=True)
        write_blocks(
            (line for rule, cost in made if "record" in rule for line in recorded(cost.what, cost.rows, at)), directory
        )
        costs += [
            cost._replace(cpu_seconds=cost.cpu_seconds / minutes[id(rule)])
            for rule, cost in zip(ready, found, strict=True)
        ]
        waiting = [rule for rule in waiting if rule not in ready]
    return costs


def _value(values: Mapping[str, str], match: re.Match[str]) -> str:
    return values[match[1]]


def panel_costs(folder: Path, asker: Asker) -> list[Cost]:
    """Return what each panel costs that is open when its board is."""
    costs = []
    for path in sorted(folder.glob("podres-*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        values = {"__rate_interval": "4m", "__range_s": str(RANGE_SECONDS), "__range": "6h"}
        first = {"node": "gpu-node-0000", "namespace": "ml-0"}
        for variable in board["templating"]["list"]:
            everything = variable.get("allValue") or ".+"
            values[variable["name"]] = everything if variable.get("includeAll") else first.get(variable["name"], ".*")
        shut = {each["title"] for row in board["panels"] if row.get("collapsed") for each in row["panels"]}
        names = re.compile(r"\$(" + "|".join(sorted(values, key=len, reverse=True)) + r")\b")
        for panel in panels(board):
            target = panel["targets"][0]
            query = names.sub(partial(_value, values), target["expr"])
            if panel["title"] not in shut:
                what = f"{path.stem.removeprefix('podres-')}: {panel['title']}"
                costs.append(asker.ask(what, query, is_range=not target.get("instant")))
    return costs


def table(title: str, costs: Iterable[Cost]) -> str:
    """Return the costs, dearest first."""
    rows = [
        f"| {each.what} | {each.kind} | {each.cpu_seconds:.2f} | {each.mib:.2f} | {each.problem or len(each.rows)} |"
        for each in sorted(costs, key=lambda cost: -cost.cpu_seconds)
    ]
    return "\n".join([f"\n{title}", "| what | kind | CPU s | MiB | rows |", "|---|---|---|---|---|", *rows])


def main() -> int:
    """Measure, print tables, and say what is above its budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--boards", type=Path, action="append", help="folder with boards; the last one is judged")
    arguments = parser.parse_args()
    samples, at = page(), int(CLOCK.wall_seconds())
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        count = write_blocks(lines(samples, arguments.nodes, at), directory)
        print(f"{arguments.nodes} nodes, {len(samples) + 2} series each, {count} samples")
        rules = rule_costs(directory, at)
        print(table("rules", rules))
        with served(directory, at) as asker:
            results = {str(each): panel_costs(each, asker) for each in arguments.boards or [BOARDS]}
    for name, costs in results.items():
        print(table(name, costs))
    judged = list(results.values())[-1]
    total = sum(each.cpu_seconds for each in rules)
    above = [each.what for each in judged if each.cpu_seconds > MOST_CPU_SECONDS or each.mib > MOST_MIB or each.problem]
    above += [f"{each.what} (nothing found)" for each in judged if not each.rows]
    above += ["rules"] if total > MOST_RULE_CPU_SECONDS else []
    print(f"\nall rules, each minute: {total:.2f} CPU s\nabove budget: {', '.join(above) or 'nothing'}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
