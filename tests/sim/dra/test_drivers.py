"""A DRA driver in plain gRPC on the live node: registration, slices, prepare, health, removal."""

import http.client
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_bench import container, eventually, live_node, phases, statuses
from plain_driver import PlainDriver
from sim_client import LIST, ask

from podres_exporter._proto import dra_v1_pb2 as pb
from podres_exporter._proto import drahealth_v1alpha1_pb2 as health_pb
from podres_exporter._proto import podresources_v1_pb2 as list_pb
from podres_exporter.join.claims import template_base
from podres_exporter.sim.api import RESOURCE_CLAIMS, RESOURCE_SLICES
from podres_exporter.sim.dra import WIPE_SECONDS
from podres_exporter.sim.live import LiveNode

DRIVER = "dra.example.com"
SLICES = "/apis/resource.k8s.io/v1/resourceslices"
SLICE: dict[str, Any] = {
    "metadata": {"name": "n1-gpus"},
    "spec": {
        "driver": DRIVER,
        "nodeName": "n1",
        "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "gpu-0"}, {"name": "gpu-1"}],
    },
}
CLASS = {"metadata": {"name": "gpus"}, "spec": {"selectors": [{"cel": {"expression": f'device.driver == "{DRIVER}"'}}]}}


def call(node: LiveNode, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(node.api.url.removeprefix("http://"), timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def claim(name: str, count: int = 1, **more: Any) -> dict[str, Any]:
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpus", "count": count, **more}}
    return {"metadata": {"name": name}, "spec": {"devices": {"requests": [request]}}}


def pod(name: str, claim_name: str) -> dict[str, Any]:
    spec = {
        "resourceClaims": [{"name": "c", "resourceClaimName": claim_name}],
        "containers": [container(claims=["c"])],
    }
    return {"metadata": {"namespace": "default", "name": name}, "spec": spec}


def device(name: str, *cdi: str) -> pb.Device:
    return pb.Device(pool_name="n1", device_name=name, cdi_device_ids=cdi, request_names=["gpu"])


@contextmanager
def driven(directory: Path, **options: Any) -> Iterator[tuple[LiveNode, PlainDriver]]:
    """Yield a node and a driver that has registered and published."""
    with live_node(directory) as (node, _):
        driver = PlainDriver(directory / "plugins_registry", **options).serve()
        try:
            node.devices.scan()
            assert (True, "") == driver.statuses.get(timeout=60)
            assert 201 == call(node, "POST", SLICES, SLICE)[0]
            assert 201 == call(node, "POST", "/apis/resource.k8s.io/v1/deviceclasses", CLASS)[0]
            yield node, driver
        finally:
            driver.close()


def claims_path(name: str = "") -> str:
    return f"/apis/resource.k8s.io/v1/namespaces/default/resourceclaims{'/' + name if name else ''}"


def listed(node: LiveNode) -> dict[str, list[tuple[str, str, str, list[str]]]]:
    answer = list_pb.ListPodResourcesResponse.FromString(ask(node.socket_path, LIST).body)
    return {
        each.name: [
            (row.claim_name, found.driver_name, found.device_name, [cdi.name for cdi in found.cdi_devices])
            for one in each.containers
            for row in one.dynamic_resources
            for found in row.claim_resources
        ]
        for each in answer.pod_resources
    }


@pytest.mark.parametrize("version", ["v1.DRAPlugin", "v1beta1.DRAPlugin"])
def test_a_claim_is_allocated_prepared_listed_and_given_back(short_dir: Path, version: str) -> None:
    """From the slice by the driver to what List shows, and back; the UID is that of the API server's object."""
    with driven(short_dir, versions=(version,)) as (node, driver):
        driver.devices["c1"] = [device("gpu-0", f"{DRIVER}/gpu=0")]
        assert 201 == call(node, "POST", claims_path(), claim("c1"))[0]
        node.create(pod("a", "c1"))
        allocated = node.store.get(RESOURCE_CLAIMS, "default", "c1")["status"]

        assert {"a": "Running"} == phases(node)
        result = {"request": "gpu", "driver": DRIVER, "pool": "n1", "device": "gpu-0"}
        assert [result] == allocated["allocation"]["devices"]["results"]
        assert ["a"] == [each["name"] for each in allocated["reservedFor"]]
        assert {"a": [("c1", DRIVER, "gpu-0", [f"{DRIVER}/gpu=0"])]} == listed(node)

        node.delete("default", "a")
        node.settle()

        assert eventually(lambda: [("prepare", "c1"), ("unprepare", "c1")] == driver.asked)
        assert "allocation" not in node.store.get(RESOURCE_CLAIMS, "default", "c1")["status"]


def test_a_claim_that_two_pods_use_is_prepared_and_unprepared_once(short_dir: Path) -> None:
    with driven(short_dir) as (node, driver):
        driver.devices["c1"] = [device("gpu-0")]
        call(node, "POST", claims_path(), claim("c1"))
        node.create(pod("a", "c1"))
        node.create(pod("b", "c1"))
        node.delete("default", "a")
        node.settle()
        between = list(driver.asked)
        node.delete("default", "b")
        node.settle()

        assert [("prepare", "c1")] == between
        assert eventually(lambda: [("prepare", "c1"), ("unprepare", "c1")] == driver.asked)


def test_a_claim_is_made_of_a_template_and_goes_with_its_pod(short_dir: Path) -> None:
    """What the resource claim controller does; a pod whose template is not there yet waits."""
    with driven(short_dir) as (node, driver):
        wanted = pod("a", "")
        wanted["spec"]["resourceClaims"] = [{"name": "c", "resourceClaimTemplateName": "t"}]
        node.create(wanted)
        before = phases(node)
        template = {"metadata": {"name": "t"}, "spec": {"spec": claim("x")["spec"]}}
        path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates"
        assert 201 == call(node, "POST", path, template)[0]
        assert eventually(lambda: {"a": "Running"} == phases(node))
        found = [each["metadata"]["name"] for each in node.store.read(RESOURCE_CLAIMS)[0]]
        (name,) = [each for each in found if each.startswith("a-c-")]

        assert {"a": "Pending"} == before
        assert [{"name": "c", "resourceClaimName": name}] == statuses(node)["a"]["resourceClaimStatuses"]
        assert [("prepare", name)] == driver.asked

        node.delete("default", "a")
        node.settle()

        assert eventually(lambda: [("prepare", name), ("unprepare", name)] == driver.asked)
        assert name not in {each["metadata"]["name"] for each in node.store.read(RESOURCE_CLAIMS)[0]}


@pytest.mark.parametrize(
    ("pod_name", "claim_name"), [("a", "c"), ("p" * 53, "gpu-a"), ("q" * 30, "r" * 40), ("q" * 21, "r" * 40)]
)
def test_the_name_of_a_claim_is_made_as_the_controller_makes_it(
    short_dir: Path, pod_name: str, claim_name: str
) -> None:
    """By the naming rule that clients without its status go by, so that they find it, however long the names are."""
    with driven(short_dir) as (node, driver):
        template = {"metadata": {"name": "t"}, "spec": {"spec": claim("x")["spec"]}}
        path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates"
        assert 201 == call(node, "POST", path, template)[0]
        wanted = pod(pod_name, "")
        wanted["spec"]["resourceClaims"] = [{"name": claim_name, "resourceClaimTemplateName": "t"}]
        wanted["spec"]["containers"] = [container(claims=[claim_name])]
        node.create(wanted)
        assert eventually(lambda: {pod_name: "Running"} == phases(node))
        (name,) = {made for _, made in driver.asked}

        assert re.fullmatch(template_base(pod_name, claim_name) + "[bcdfghjklmnpqrstvwxz2456789]{5}", name)
        assert name == statuses(node)[pod_name]["resourceClaimStatuses"][0]["resourceClaimName"]


def test_a_pod_waits_for_devices_and_for_its_claim(short_dir: Path) -> None:
    """As on a real 1.36.3: words for devices that are not free, none for a claim that is not there."""
    with driven(short_dir) as (node, driver):
        for name, count in (("c1", 2), ("c2", 1)):
            call(node, "POST", claims_path(), claim(name, count))
        driver.devices["c1"] = [device("gpu-0"), device("gpu-1")]
        node.create(pod("a", "c1"))
        node.create(pod("b", "c2"))
        node.create(pod("c", "none"))
        told = {name: status.get("conditions", [{}])[0].get("message", "") for name, status in statuses(node).items()}
        between = phases(node)
        node.delete("default", "a")
        node.settle()
        node.settle()

        assert {"a": "Running", "b": "Pending", "c": "Pending"} == between
        assert told["b"].startswith("0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, ")
        assert "" == told["c"]
        assert eventually(lambda: {"b": "Running", "c": "Pending"} == phases(node))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"selectors": [{"cel": {"expression": "true"}}]}, "selectors of claims are not simulated"),
        (
            {"deviceClassName": "odd"},
            'device class odd has selectors other than device.driver == "NAME": not simulated',
        ),
    ],
)
def test_what_is_not_played_is_refused_with_that_word(short_dir: Path, spec: dict[str, Any], words: str) -> None:
    with driven(short_dir) as (node, _):
        odd = {"metadata": {"name": "odd"}, "spec": {"selectors": [{"cel": {"expression": "has(x)"}}]}}
        call(node, "POST", "/apis/resource.k8s.io/v1/deviceclasses", odd)
        call(node, "POST", claims_path(), claim("c1", **spec))
        node.create(pod("a", "c1"))

        assert words in statuses(node)["a"]["conditions"][0]["message"]


@pytest.mark.parametrize("way", ["error", "skip", "gone"])
def test_a_pod_whose_claim_cannot_be_prepared_waits_and_is_tried_again(short_dir: Path, way: str) -> None:
    """ContainerCreating until the driver agrees; nothing is listed of the claim meanwhile."""
    with driven(short_dir) as (node, driver):
        call(node, "POST", claims_path(), claim("c1"))
        if way == "error":
            driver.errors["c1"] = "no such GPU"
        elif way == "skip":
            driver.skips.add("c1")
        else:
            driver.close()
            node.devices.scan()
            assert eventually(lambda: not node.drivers.names())
        node.create(pod("a", "c1"))
        (uid,) = node.pods.uids()
        live = node.pods.pod(uid)

        words = {
            "error": "NodePrepareResources failed for ResourceClaim c1: no such GPU",
            "skip": "NodePrepareResources skipped 1 ResourceClaims",
            "gone": f"DRA driver {DRIVER} is not registered",
        }
        assert live is not None
        assert f"prepare dynamic resources: {words[way]}" == live.problem
        assert [{"waiting": {"reason": "ContainerCreating"}}] == [
            each["state"] for each in statuses(node)["a"]["containerStatuses"]
        ]
        assert {"a": []} == listed(node)
        if way != "gone":
            driver.errors.clear()
            driver.skips.clear()
            assert (node.pods.start(uid) or live).phase == "Running"


def test_health_reaches_the_status_of_the_pod(short_dir: Path) -> None:
    """KEP-4680: `claim:NAME`, the first CDI name, and the driver's message; Unknown before anything was said."""
    with driven(short_dir) as (node, driver):
        driver.devices["c1"] = [device("gpu-0", f"{DRIVER}/gpu=0")]
        call(node, "POST", claims_path(), claim("c1"))
        node.create(pod("a", "c1"))

        def told() -> Any:
            node.tick()
            return statuses(node)["a"]["containerStatuses"][0].get("allocatedResourcesStatus")

        row = {"resourceID": f"{DRIVER}/gpu=0"}
        assert [{"name": "claim:c", "resources": [{**row, "health": "Unknown"}]}] == told()
        driver.say("gpu-0", health_pb.UNHEALTHY, "XID 79")
        sick = [{"name": "claim:c", "resources": [{**row, "health": "Unhealthy", "message": "XID 79"}]}]
        assert eventually(lambda: sick == told())
        driver.say("gpu-0", health_pb.HEALTHY)
        assert eventually(lambda: [{"name": "claim:c", "resources": [{**row, "health": "Healthy"}]}] == told())


def test_a_driver_registers_again_after_a_restart_of_the_kubelet_and_its_claims_stay(short_dir: Path) -> None:
    with driven(short_dir) as (node, driver):
        driver.devices["c1"] = [device("gpu-0")]
        call(node, "POST", claims_path(), claim("c1"))
        node.create(pod("a", "c1"))
        before = listed(node)
        node.restart_kubelet()
        node.devices.scan()

        assert (True, "") == driver.statuses.get(timeout=60)
        node.settle()
        assert before == listed(node)
        assert [("prepare", "c1")] == driver.asked


@pytest.mark.parametrize(
    ("versions", "error"),
    [
        ((), "empty list of supported gRPC services (aka supported versions)"),
        (
            ("v1alpha3.Node",),
            (
                'none of services supported by the plugin (["v1alpha3.Node"]) are supported by the kubelet '
                '(["v1.DRAPlugin" "v1beta1.DRAPlugin"])'
            ),
        ),
    ],
)
def test_a_driver_of_another_version_is_refused_in_the_kubelets_words(
    short_dir: Path, versions: tuple[str, ...], error: str
) -> None:
    with live_node(short_dir) as (node, _):
        driver = PlainDriver(short_dir / "plugins_registry", versions=versions).serve()
        try:
            node.devices.scan()
            registered, told = driver.statuses.get(timeout=60)
        finally:
            driver.close()

        assert not registered
        assert told.endswith(f"at endpoint {driver.path}: {error}")


def test_slices_are_created_replaced_and_deleted_over_http(short_dir: Path) -> None:
    """What the resource slice controller of a driver does."""
    with live_node(short_dir) as (node, _):
        created = call(node, "POST", SLICES, SLICE)
        spec = {**SLICE["spec"], "devices": [{"name": "gpu-7"}]}
        stale = call(
            node, "PUT", f"{SLICES}/n1-gpus", {"metadata": {"name": "n1-gpus", "resourceVersion": "1"}, "spec": spec}
        )
        other = call(node, "PUT", f"{SLICES}/n1-gpus", {"metadata": {"name": "x"}, "spec": spec})
        metadata = {"name": "n1-gpus", "resourceVersion": created[1]["metadata"]["resourceVersion"]}
        replaced = call(node, "PUT", f"{SLICES}/n1-gpus", {"metadata": metadata, "spec": spec})
        deleted = call(node, "DELETE", f"{SLICES}/n1-gpus")

        assert [201, 409, 400, 200, 200] == [created[0], stale[0], other[0], replaced[0], deleted[0]]
        assert "gpu-7" == replaced[1]["spec"]["devices"][0]["name"]
        assert 404 == call(node, "PUT", f"{SLICES}/n1-gpus", {"metadata": {}, "spec": spec})[0]


def slices(node: LiveNode) -> set[str]:
    return {each["metadata"]["name"] for each in node.store.read(RESOURCE_SLICES)[0]}


PLAYED = """
slices: [{name: played, spec: {driver: other.example.com, devices: [{name: x}]}}]
"""


def test_the_slices_of_a_driver_that_went_go_after_half_a_minute(short_dir: Path) -> None:
    """Measured on 1.36.3: 30 s, time enough to update a driver; those of the scenario have no driver that could go."""
    with live_node(short_dir, PLAYED) as (node, clock):
        driver = PlainDriver(short_dir / "plugins_registry").serve()
        node.devices.scan()
        assert (True, "") == driver.statuses.get(timeout=60)
        assert 201 == call(node, "POST", SLICES, SLICE)[0]
        assert eventually(lambda: DRIVER in node.drivers.present())
        node.tick()
        driver.close()
        assert eventually(lambda: DRIVER not in node.drivers.present())
        node.tick()
        clock.leap(WIPE_SECONDS - 10)
        node.tick()
        before = slices(node)
        clock.leap(11)
        node.tick()

        assert ({"n1-gpus", "played"}, {"played"}) == (before, slices(node))


def test_a_driver_that_comes_back_in_time_keeps_its_slices(short_dir: Path) -> None:
    """One that was killed has left its socket, so that its registration stands; what counts is the connection."""
    with live_node(short_dir) as (node, clock):
        for leap in (0.0, WIPE_SECONDS - 10, WIPE_SECONDS - 10):
            clock.leap(leap)
            node.tick()
            driver = PlainDriver(short_dir / "plugins_registry").serve()
            node.devices.scan()
            assert (True, "") == driver.statuses.get(timeout=60)
            assert eventually(lambda: DRIVER in node.drivers.present())
            call(node, "POST", SLICES, SLICE)
            node.tick()
            driver.close()
            node.devices.scan()
            assert eventually(lambda: DRIVER not in node.drivers.present())
            node.tick()

        assert {"n1-gpus"} == slices(node)


def test_a_kubelet_that_starts_deletes_the_slices_of_its_node(short_dir: Path) -> None:
    """It cannot know whether their drivers still run; drivers that do publish again. Slices of other nodes stay."""
    with driven(short_dir) as (node, _):
        other = {"metadata": {"name": "n2-gpus"}, "spec": {**SLICE["spec"], "nodeName": "n2"}}
        assert 201 == call(node, "POST", SLICES, other)[0]
        node.restart_kubelet()

        assert {"n2-gpus"} == slices(node)


def test_what_is_prepared_stands_in_the_kubelet_s_file(short_dir: Path) -> None:
    """For whom, and what each driver has answered; before and after it is empty, which is a list that is null."""
    with driven(short_dir) as (node, driver):
        driver.devices["c1"] = [device("gpu-0", f"{DRIVER}/gpu=0")]
        call(node, "POST", claims_path(), claim("c1"))
        empty = (short_dir / "dra_manager_state").read_text()
        uid = node.create(pod("a", "c1"))["metadata"]["uid"]
        claim_uid = node.store.get(RESOURCE_CLAIMS, "default", "c1")["metadata"]["uid"]
        held = json.loads((short_dir / "dra_manager_state").read_text())
        node.delete("default", "a")
        node.settle()
        node.tick()
        after = (short_dir / "dra_manager_state").read_text()

    (entry,) = json.loads(held["Data"])["ClaimInfoStateList"]
    assert (claim_uid, "c1", "default", {uid: {}}) == tuple(
        entry[name] for name in ("ClaimUID", "ClaimName", "Namespace", "PodUIDs")
    )
    found = {
        "PoolName": "n1",
        "DeviceName": "gpu-0",
        "ShareID": None,
        "RequestNames": ["gpu"],
        "CDIDeviceIDs": [f"{DRIVER}/gpu=0"],
    }
    assert {DRIVER: {"Devices": [found]}} == entry["DriverState"]
    assert zlib.crc32(held["Data"].encode()) == held["Checksum"]
    assert empty == after
