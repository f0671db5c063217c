"""The JSON snapshot and the metrics page of one exporter agree."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from family_samples import samples
from rig import Rig

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.document import decode
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import DEFAULT_COLLECTORS
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, SimKubelet

GPU = pb.ContainerDevices(resource_name="example.com/gpu", device_ids=["GPU-1"])
TRAIN = pb.PodResources(
    name="train", namespace="ml", containers=[pb.ContainerResources(name="main", devices=[GPU], cpu_ids=[2, 3])]
)
ANSWERS = FixedAnswers(
    pb.ListPodResourcesResponse(pod_resources=[TRAIN]).SerializeToString(),
    pb.AllocatableResourcesResponse(devices=[GPU], cpu_ids=range(1, 8)).SerializeToString(),
    {},
)


@pytest.fixture
def rig(short_dir: Path, tmp_path: Path) -> Iterator[Rig]:
    """Yield an exporter in front of a kubelet with one pod; nothing is polled yet."""
    node = tmp_path / "devices/system/node/node0"
    node.mkdir(parents=True)
    (node / "cpulist").write_text("0-7\n")
    kubelet = SimKubelet(short_dir / "kubelet.sock", ANSWERS, SystemClock(), KubeletSettings(Release(36)))
    kubelet.start()
    with Rig(short_dir / "kubelet.sock", tmp_path) as rig:
        yield rig
    kubelet.stop()


def fetch(rig: Rig, **headers: str) -> tuple[int, Mapping[str, str], Any]:
    """Return status, headers and the document, None where there is no body."""
    connection = HTTPConnection("127.0.0.1", rig.web.addresses[0].port, timeout=60)
    with closing(connection):
        connection.request("GET", "/api/v1/snapshot", headers=headers)
        response = connection.getresponse()
        body = response.read()
        return response.status, dict(response.headers), json.loads(body) if body else None


def test_before_the_first_poll_the_answer_is_that_there_is_none(rig: Rig) -> None:
    """200, not 503: the document says why."""
    status, _, document = fetch(rig)

    assert 200 == status
    assert {"available": False, "reason": "not_answered", "message": "the kubelet has not answered yet"} == (
        document["status"]["allocation"]
    )


def test_the_document_and_the_page_say_the_same(rig: Rig) -> None:
    """Every sample of the page that is of the snapshot can be had from the document, and no other value."""
    page = rig.poll()

    _, _, document = fetch(rig)

    families = selected(DEFAULT_COLLECTORS)
    expected = {(each.name, frozenset(each.labels)): each.value for each in samples(decode(document), families)}
    assert rig.snapshots[-1] == decode(document)
    assert expected == {key: page.samples[key] for key in page.samples if key in expected}
    assert page.names("podres_container_") == {name for name, _ in expected if name.startswith("podres_container_")}


def test_a_client_asks_again_and_gets_only_what_is_new(rig: Rig) -> None:
    """Between two polls nothing changes; the next one brings news."""
    rig.poll()
    _, headers, _ = fetch(rig)

    same, _, nothing = fetch(rig, **{"If-None-Match": headers["ETag"]})
    rig.poll()
    other, _, document = fetch(rig, **{"If-None-Match": headers["ETag"]})

    assert (304, None) == (same, nothing)
    assert (200, "train") == (other, document["pods"][0]["name"])
