"""One-shot commands on the Pods API: messages and remedies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podres_exporter.cli import main
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import GATE_OFF, NOT_READY

SCENARIO = """
node: n1
kubelet: {release: "1.36", pods_api: true}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0}]}]
pods:
  - namespace: ml
    name: train
    owner: {kind: Job, name: train-job}
    spec: {containers: [{name: main, resources: {limits: {example.com/gpu: 1}}}]}
"""

OLD = ("PODRES_SNAPSHOT_HOLD_DOWN", "0s")
"""By this no kubelet is young."""


@pytest.fixture
def node(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveNode]:
    monkeypatch.delenv("NODE_NAME", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with LiveNode(parse_scenario(SCENARIO, "test"), short_dir, SystemClock()) as found:
        yield found


def flags(node: LiveNode) -> list[str]:
    return [
        f"--kubelet.socket={node.socket_path}",
        f"--topology.sysfs={node.sysfs}",
        "--node-name=n1",
        "--metadata.source=podsapi",
        f"--metadata.podsapi-socket={node.pods_api.socket_path}",
    ]


def ran(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(list(argv)))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def finding(out: str, name: str) -> dict[str, Any]:
    return next(dict(each) for each in json.loads(out)["findings"] if each["id"] == name)


def test_dump_shows_whose_the_devices_are(
    node: LiveNode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token, and without a complaint that there is none."""
    monkeypatch.setenv(*OLD)
    code, out, err = ran(capsys, "dump", "-o", "json", *flags(node))
    document = json.loads(out)

    assert (0, "") == (code, err)
    assert "podsapi" == document["status"]["metadata"]["origin"]
    assert "train-job" == document["pods"][0]["metadata"]["owner"]["name"]


@pytest.mark.parametrize(
    ("refusal", "detail", "remedy"),
    [
        (GATE_OFF, "PodsAPI feature gate is disabled", "set the kubelet's feature gate PodsAPI"),
        (NOT_READY, "pod sources are not ready", "mount the kubelet's pods-api directory"),
    ],
    ids=["gate off", "not ready"],
)
def test_dump_and_check_say_why_there_is_no_metadata(
    node: LiveNode, capsys: pytest.CaptureFixture[str], refusal: StreamEnd, detail: str, remedy: str
) -> None:
    """The two meanings of FAILED_PRECONDITION, each with its own remedy; the allocation is shown."""
    node.pods_api.server.refusal = refusal

    code, out, err = ran(capsys, "dump", *flags(node))
    assert 3 == code
    assert "1x example.com/gpu" in out
    assert detail in err
    assert remedy in err

    code, out, _ = ran(capsys, "check", "-o", "json", *flags(node))
    found = finding(out, "podsapi.watch")
    assert (1, "failed") == (code, found["verdict"])
    assert detail in found["seen"]
    assert remedy in found["remedy"]


def test_check_counts_the_pods_and_compares_them(
    node: LiveNode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet is young, so that it cannot be known yet that these are all; the API server is not asked."""
    _, out, _ = ran(capsys, "check", "-o", "json", *flags(node))

    found = finding(out, "podsapi.watch")
    assert ("warning", 1) == (found["verdict"], found["facts"]["pods"])
    assert "but possibly not all" in found["seen"]
    assert "the kubelet's Pods API knows every pod that the kubelet lists" == finding(out, "pods.unknown")["seen"]
    assert "--metadata.source is podsapi" == finding(out, "api.list")["seen"]

    monkeypatch.setenv(*OLD)
    _, out, _ = ran(capsys, "check", "-o", "json", *flags(node))
    found = finding(out, "podsapi.watch")
    assert "ok" == found["verdict"]
    assert "1 pod received in" in found["seen"]


def test_a_kubelet_without_the_api_is_told_from_one_that_is_down(
    node: LiveNode, capsys: pytest.CaptureFixture[str]
) -> None:
    """No socket: the remedy names the mount and the gate."""
    node.pods_api.kill()
    _, out, _ = ran(capsys, "check", "-o", "json", *flags(node))
    found = finding(out, "podsapi.watch")

    assert "unavailable" == found["facts"]["reason"]
    assert "set the kubelet's feature gate PodsAPI" in found["remedy"]
