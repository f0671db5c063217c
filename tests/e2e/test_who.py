"""
`who` against a real Prometheus that scrapes the demo while one GPU changes hands.

Nothing here goes by the clock: a pod is made and deleted through the demo's API server, and the story goes on when
the exporter's page and Prometheus have seen it. Time is compressed by scraping each second instead of each minute.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from observed_rig import rows
from processes import Process, Start, eventually, get
from promql_rig import prometheus_server

from podres_exporter.cli import kubectl_main, main
from podres_exporter.moment import read_moment, write_moment

GPU = "GPU-7f3c9a10-0000-4000-8000-000000000001"
SCENARIO = {
    "node": "gpu-node",
    "numa": [{"node": 0, "cpus": "0-7", "memory": "16Gi"}],
    "resources": [{"name": "nvidia.com/gpu", "devices": [{"id": GPU, "numa_nodes": [0]}]}],
    "pods": [{"namespace": "ml", "name": "idle", "spec": {"containers": [{"name": "main"}]}}],
}
FREE = 'podres_node_free_devices{resource="nvidia.com/gpu"} == 1'
TARGETS = 2
PODS = ("train-0", "notebook", "train-0", "batch")
"""One name twice: a pod that is made again is another one."""


def holding(pod: str, uid: str) -> str:
    """Return the query for this instance of a pod holding the GPU; a row for each target."""
    return (
        f'podres_container_device_info{{device="{GPU}",pod="{pod}"}}'
        f' and on (instance, namespace, pod) podres_pod_info{{uid="{uid}"}}'
    )


class Seen(NamedTuple):
    """A moment of Prometheus' clock, and what it had then: the pod and its UID, or None for nobody."""

    at: float
    pod: str | None
    uid: str = ""


class Cluster:
    """The demo, its API server, and a Prometheus that scrapes it by two targets."""

    def __init__(self, demo: Process, prometheus_port: int) -> None:
        self._demo, self.port = demo, prometheus_port
        kubeconfig = eventually(lambda: demo.out.partition("kubectl --kubeconfig=")[2].partition(" ")[0] or None)
        clusters = yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8"))["clusters"]
        self._api = f"{clusters[0]['cluster']['server']}/api/v1/namespaces/ml/pods"

    def make(self, name: str) -> str:
        """Make a pod that asks for the GPU; return its UID."""
        limits = {"nvidia.com/gpu": "1"}
        pod = {
            "metadata": {"namespace": "ml", "name": name},
            "spec": {"containers": [{"name": "main", "image": "train", "resources": {"limits": limits}}]},
        }
        return str(self._send("POST", self._api, pod)["metadata"]["uid"])

    def delete(self, name: str) -> None:
        """Delete a pod at once."""
        self._send("DELETE", f"{self._api}/{name}?gracePeriodSeconds=0")

    def seen(self, query: str, pod: str | None, uid: str = "") -> Seen:
        """Return a moment at which the latest scrapes of both targets answer the query."""

        def answered() -> Seen | None:
            found = rows(self.port, query)
            return Seen(found[0]["value"][0], pod, uid) if len(found) == TARGETS else None

        return eventually(answered)

    def _send(self, method: str, url: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the demo's own address
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return json.loads(response.read())


@contextmanager
def cluster(start: Start, directory: Path) -> Iterator[tuple[Cluster, Process]]:
    """Yield the running cluster, and the demo's process."""
    scenario = directory / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO), encoding="utf-8")
    demo = start("demo", f"--scenario={scenario}", "--web.listen-address=127.0.0.1:0", "--kubelet.poll-interval=1s")
    address = demo.url().removeprefix("http://")
    eventually(lambda: get(f"http://{address}/-/ready")[0] == 200 or None)
    job = {
        "job_name": "podres",
        "honor_labels": True,
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [address, address.replace("127.0.0.1", "localhost")]}],
    }
    with prometheus_server(directory, {"scrape_configs": [job]}) as port:
        yield Cluster(demo, port), demo


def test_every_holder_is_named_at_its_moment_and_in_its_turn(
    start: Start, short_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four holders with nobody in between, one name twice, then the exporter is gone: not known, and never nobody."""
    story: list[Seen] = []
    with cluster(start, short_dir) as (live, demo):
        story.append(live.seen(FREE, None))
        for pod in PODS:
            uid = live.make(pod)
            story.append(live.seen(holding(pod, uid), pod, uid))
            live.delete(pod)
            story.append(live.seen(FREE, None))
        uid = live.make("last")
        story.append(live.seen(holding("last", uid), "last", uid))
        assert 0 == demo.end()
        gone = live.seen("up == 0", None)

        def who(*arguments: str, code: int = 0) -> Any:
            flags = ["who", GPU[:8], f"--prometheus=http://127.0.0.1:{live.port}", "-o", "json"]
            assert code == main([*flags, *arguments])
            return json.loads(capsys.readouterr().out)["periods"]

        for each in story:
            (found,) = who("--at", write_moment(each.at))
            holder = found["holder"] or {"pod": None, "uid": ""}

            assert (each.pod, each.uid) == (holder["pod"], holder["uid"])
            assert read_moment(found["from"]) <= each.at <= read_moment(found["until"])
        (found,) = who("--at", write_moment(gone.at), code=3)
        assert ("unknown", "the exporter could not be scraped") == (found["state"], found["reason"])
        span = ("--since", write_moment(story[0].at), "--until", write_moment(gone.at))
        told = [
            (each["state"], (each["holder"] or {}).get("pod"), (each["holder"] or {}).get("uid"))
            for each in who(*span, code=3)
        ]
        assert [*(("held", each.pod, each.uid) if each.pod else ("nobody", None, None) for each in story)] == told[:-1]
        assert "unknown" == told[-1][0]
        capsys.readouterr()
        at = write_moment(story[1].at)
        assert 0 == kubectl_main(["who", GPU, "--at", at, f"--prometheus=http://127.0.0.1:{live.port}"])
        assert "train-0" in capsys.readouterr().out
