"""
`who` against a real Prometheus: changing holders, missing exporters, two targets, two clusters.

The samples are written into its storage at fixed moments, 30 s apart, so every answer is known to the second.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from blocks_rig import Sample, remembering

from podres_exporter.cli import kubectl_main, main
from podres_exporter.clock import SystemClock
from podres_exporter.moment import read_moment, write_moment

STEP = 30
BASE = SystemClock().wall_seconds() // 3600 * 3600 - 6 * 3600
"""Minute 0 of the story, six hours ago; the blocks of a Prometheus are of the past."""
GPU = "GPU-7f3c9a10-0000-4000-8000-000000000001"
VF = "0000:3b:00.1"


def minute(number: float) -> str:
    """Return a moment of the story as a command line takes it."""
    return write_moment(BASE + number * 60)


def scraped(
    metric: str, begin: float, end: float, *, value: float = 1, targets: Iterable[Mapping[str, str]] = (), **labels: str
) -> Iterator[Sample]:
    """Yield samples from one minute to another, the last one left out, of each target."""
    for number, target in enumerate(targets or [TARGET]):
        for at in range(int(BASE + begin * 60), int(BASE + end * 60), STEP):
            yield metric, {**labels, **target}, at + 7 * number, value


TARGET = {"job": "podres", "instance": "10.0.0.1:10190"}
TWO = (TARGET, {"job": "other", "instance": "node1:10190"})
"""The same exporter scraped by two jobs, in turn."""


def holder(pod: str, device: str, begin: float, end: float, node: str = "n1", **more: Any) -> Iterator[Sample]:
    """Yield the samples of a held device."""
    labels: dict[str, Any] = {
        "namespace": "ml",
        "pod": pod,
        "container": "main",
        "resource": "nvidia.com/gpu" if device.startswith("GPU") else "vf",
        "device": device,
        "device_base": device.partition("::")[0],
        "node": node,
    }
    return scraped("podres_container_device_info", begin, end, **{**labels, **more})


def known(
    begin: float, end: float, resource: str = "nvidia.com/gpu", node: str = "n1", **more: Any
) -> Iterator[Sample]:
    """Yield the figure that is there while everything that is held is known."""
    family = "podres_node_allocated_devices"
    yield from scraped(family, begin, end, resource=resource, numa_nodes="0", node=node, **more)


def of_pod(pod: str, uid: str, begin: float, end: float, started: float, **more: Any) -> Iterator[Sample]:
    """Yield the metadata of a pod."""
    name: dict[str, Any] = {"namespace": "ml", "pod": pod, "node": "n1", **more}
    workload: dict[str, Any] = {"uid": uid, "workload_kind": "StatefulSet", "workload_name": "train"}
    yield from scraped("podres_pod_info", begin, end, **name, **workload)
    yield from scraped("podres_pod_start_timestamp_seconds", begin, end, value=BASE + started * 60, **name)


def story() -> Iterator[Sample]:
    """
    Yield two hours of a node's GPU, seen by two targets, and what shares its Prometheus with it.

    Minutes 0 to 20 the pod `then` has it, to 25 nobody, to 60 `now`; from 60 to 70 the exporter is down, after that
    `later` has it, to 90; from 90 to 100 the exporter answers and does not know, then nobody has it.
    """
    up: dict[str, Any] = {"targets": TWO}
    yield from holder("then", GPU, 0, 20, **up)
    yield from holder("now", GPU, 25, 60, **up)
    yield from holder("later", GPU, 70, 90, **up)
    for begin, end in ((0, 60), (70, 90), (100, 120)):
        yield from known(begin, end, **up)
    for begin, end, value in ((0, 60, 1), (60, 70, 0), (70, 120, 1)):
        yield from scraped("up", begin, end, value=value, **up)
    # One name, two pods: it was made again on its node at minute 40, and its exporter was away from 60 to 70.
    yield from holder("train-0", "GPU-aaaa", 30, 60, **up)
    yield from holder("train-0", "GPU-aaaa", 70, 80, **up)
    yield from of_pod("train-0", "uid-1", 30, 40, 29, **up)
    yield from of_pod("train-0", "uid-2", 40, 60, 40, **up)
    yield from of_pod("train-0", "uid-2", 70, 80, 40, **up)
    # A StatefulSet's pod moves from node to node, and takes the address that there is on both.
    for node, begin, end in (("n2", 0, 30), ("n3", 35, 120)):
        target: dict[str, Any] = {"targets": [{"job": "podres", "instance": f"{node}:10190"}]}
        yield from holder("web-0", VF, begin, end, node, **target)
        yield from known(0, 120, "vf", node, **target)
        yield from scraped("up", 0, 120, **target)
    # Two clusters with a node and a pod of the same names.
    for cluster, begin in (("east", 0), ("west", 60)):
        target = {"targets": [{"cluster": cluster, **TARGET}]}
        yield from holder("twin", "GPU-bbbb", begin, begin + 60, **target)
        yield from known(0, 120, **target)
        yield from scraped("up", 0, 120, **target)
    # Scraped without honor_labels, by a target that has a pod of its own.
    foreign = {"namespace": "monitoring", "pod": "podres-x", "node": "n4", **TARGET}
    for each in (
        *holder("renamed", "GPU-cccc", 0, 60, "n4", targets=[{}]),
        *known(0, 120, node="n4", targets=[{}]),
    ):
        names = ("namespace", "pod", "node")
        renamed = {f"exported_{name}" if name in names else name: text for name, text in each[1].items()}
        yield each[0], {**renamed, **foreign}, each[2], each[3]
    # A DRA device, found by the UUID of its slice; a monitor watches it all the time.
    dra: dict[str, Any] = {"driver": "gpu.example.com", "pool": "n5", "device": "gpu-0", "node": "n5"}
    claimed = {**dra, "namespace": "ml", "container": "main", "share_id": ""}
    claim = "podres_container_claim_device_info"
    yield from scraped("podres_dra_device_info", 0, 120, **dra, uuid="GPU-dddd", pci_address="0000:5e:00.0")
    yield from scraped(claim, 30, 60, **claimed, pod="render", claim="frames", admin_access="")
    yield from scraped(claim, 0, 120, **claimed, pod="watcher", claim="all", admin_access="true")
    yield from scraped(
        "podres_node_dra_devices", 0, 120, driver="gpu.example.com", type="", state="allocated", node="n5"
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Prometheus that has seen the story."""
    with remembering(story(), tmp_path_factory.mktemp("prometheus")) as port:
        yield f"http://127.0.0.1:{port}"


class Teller:
    """Runs the command."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._capsys = url, capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Return standard output, then standard error."""
        assert code == main(["who", *arguments, f"--prometheus={self._url}"])
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def periods(self, *arguments: str, code: int = 0) -> list[tuple[str, str, float | None, float | None]]:
        """Return node, who, and from which minute to which, None beyond what was asked for; of -o json."""
        answer = json.loads(self(*arguments, "-o", "json", code=code))

        def minutes(text: str) -> float:
            return round((read_moment(text) - BASE) / 60)

        return [
            (
                "/".join(filter(None, (each["cluster"], each["node"]))),
                each["holder"]["pod"] if each["holder"] else each["state"],
                None if each["has_earlier"] else minutes(each["from"]),
                None if each["has_later"] else minutes(each["until"]),
            )
            for each in answer["periods"]
        ]


@pytest.fixture
def who(url: str, capsys: pytest.CaptureFixture[str]) -> Teller:
    return Teller(url, capsys)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (15.5, ("n1", "then", 0, 20)),
        (22, ("n1", "nobody", 20, 25)),
        (30, ("n1", "now", 25, None)),
        (75, ("n1", "later", 70, None)),
        (110, ("n1", "nobody", 100, None)),
    ],
)
def test_the_holder_of_that_moment_is_named_and_not_todays(
    who: Teller, at: float, expected: tuple[str, str, float | None, float | None]
) -> None:
    """With two targets of the node there is one row; a moment looks an hour back and ten minutes ahead."""
    (found,) = who.periods(GPU, "--at", minute(at))

    assert expected == found


@pytest.mark.parametrize(
    ("at", "reason"), [(65, "could not be scraped"), (95, "did not know everything"), (-30, "Prometheus has no scrape")]
)
def test_what_is_not_known_is_never_nobody(who: Teller, at: float, reason: str) -> None:
    """The exporter was down, or did not know, or is younger; exit code 3, and who had it before and after."""
    text = who(GPU, "--at", minute(at), code=3)

    assert "unknown" in text
    assert "nobody " not in text.splitlines()[1]
    assert reason in text
    if at == 65:
        assert "Before that: ml/now, until " in text
        assert "After that: ml/later, from " in text


def test_a_range_is_told_in_order_without_a_hole(who: Teller) -> None:
    found = who.periods(GPU[:8], "--since", minute(0), "--until", minute(118), code=3)

    assert [
        ("n1", "then", None, 20),
        ("n1", "nobody", 20, 25),
        ("n1", "now", 25, 60),
        ("n1", "unknown", 60, 70),
        ("n1", "later", 70, 90),
        ("n1", "unknown", 90, 100),
        ("n1", "nobody", 100, None),
    ] == found


def test_a_change_soon_after_the_moment_is_named(who: Teller) -> None:
    """A scrape shows a state, not when it began: what came 20 s later may have been there already."""
    text = who(GPU, "--at", minute(24.7))

    assert "18 s later, shows ml/now: the change may have happened before" in text
    assert "one every 30 s" in text


def test_one_name_may_have_been_two_pods(who: Teller) -> None:
    """Told apart by the UID; across the gap the same pod held the device."""
    text = who("GPU-aaaa", "--since", minute(28), "--until", minute(79), "--node", "n1")
    rows = [line.split() for line in text.splitlines() if "train-0" in line]

    assert 2 == len(rows)
    assert "StatefulSet/train" in text
    assert [("n1", "nobody", None, 30), ("n1", "train-0", 30, 40), ("n1", "train-0", 40, None)] == who.periods(
        "GPU-aaaa", "--since", minute(28), "--until", minute(79)
    )


def test_a_pod_that_moves_is_on_one_node_after_the_other(who: Teller) -> None:
    """The address is on both nodes; each has its own rows, and --node shows one of them."""
    span = ("--since", minute(20), "--until", minute(50))

    assert [
        ("n2", "web-0", None, 30),
        ("n2", "nobody", 30, None),
        ("n3", "nobody", None, 35),
        ("n3", "web-0", 35, None),
    ] == who.periods("3B:00.1", *span)
    assert ["n3", "n3"] == [each[0] for each in who.periods(VF, *span, "--node=n3")]
    assert "'0000:3b:00.1' was not there; it was on: n2, n3" in who(VF, *span, "--node=n9", code=1)


def test_clusters_are_kept_apart(who: Teller) -> None:
    """A node and a pod of one name in each."""
    assert [("east/n1", "twin", None, 60), ("east/n1", "nobody", 60, None)] == who.periods(
        "GPU-bbbb", "--since", minute(30), "--until", minute(90), "--cluster=east"
    )
    assert {("east/n1", "nobody"), ("west/n1", "twin")} == {
        each[:2] for each in who.periods("GPU-bbbb", "--at", minute(90))
    }
    assert who("GPU-bbbb", "--at", minute(90)).startswith("CLUSTER  NODE")


def test_labels_that_prometheus_has_renamed_are_the_exporters(who: Teller) -> None:
    """The pod of the target is not blamed."""
    assert [("n4", "renamed", None, 60), ("n4", "nobody", 60, None)] == who.periods(
        "GPU-cccc", "--since", minute(30), "--until", minute(90)
    )


def test_a_device_of_dra_is_found_by_uuid_and_address_and_its_monitor_holds_nothing(who: Teller) -> None:
    span = ("--since", minute(20), "--until", minute(80))
    expected = {
        ("n5", "watcher", None, None),
        ("n5", "nobody", None, 30),
        ("n5", "render", 30, 60),
        ("n5", "nobody", 60, None),
    }

    assert expected == set(who.periods("GPU-dddd", *span))
    assert expected == set(who.periods("5e:00.0", *span))
    assert expected == set(who.periods("gpu.example.com/n5/gpu-0", *span))
    assert "watches" in who("GPU-dddd", *span)


def test_a_name_that_nothing_has_says_so(who: Teller) -> None:
    assert "no device 'GPU-eeee' in 30 days" in who("GPU-eeee", code=1)
    assert "matches 5 devices" in who("GPU-", "--at", minute(30), code=1)


def test_tables_are_for_programs_too(who: Teller) -> None:
    """What is to be said stands on standard error; columns sort; the header can be left out."""
    text = who(VF, "--at", minute(40), "--no-headers", "--sort-by", "state")

    assert ["held", "nobody"] == [line.split()[1] for line in text.splitlines()[:2]]


def test_kubectl_podres_answers_the_same(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["who", GPU, "--at", minute(22), f"--prometheus={url}"]
    codes = [main(arguments), kubectl_main(arguments)]
    text = capsys.readouterr().out
    half = text[: len(text) // 2]

    assert [0, 0] == codes
    assert "nobody" in half
    assert half + half == text


def test_the_url_may_come_from_the_environment_and_be_that_of_a_browser(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODRES_PROMETHEUS", f"{url}/graph?g0.expr=up")

    assert 0 == main(["who", GPU, "--at", minute(22)])
    assert "nobody" in capsys.readouterr().out
