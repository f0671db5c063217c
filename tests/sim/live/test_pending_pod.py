"""Plugins that ask the API server, from within Allocate, for whom they allocate."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from live_bench import container, live_node, phases
from plain_plugin import PlainPlugin, device, register

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.live import LiveNode

REAL = "example.com/real"
PENDING = "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1%2Cstatus.phase%3DPending"


class AskingPlugin(PlainPlugin):
    """Finds the pending pod of its node, as plugins do that take their choice from the pod's annotations."""

    def __init__(self, path: Path, address: str) -> None:
        """Have three devices, and know the API server."""
        super().__init__(path, device("x"), device("y"), device("z"))
        self.address, self.found = address, list[list[tuple[str, str, bool]]]()

    def _allocate(self, request: pb.AllocateRequest, context: grpc.ServicerContext) -> pb.AllocateResponse:
        url = f"http://{self.address}{PENDING}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            pods = json.loads(answer.read())["items"]
        self.found.append(
            [(each["metadata"]["name"], each["spec"]["nodeName"], "startTime" in each["status"]) for each in pods]
        )
        return super()._allocate(request, context)


@pytest.fixture
def asking(short_dir: Path) -> Iterator[tuple[LiveNode, AskingPlugin]]:
    with live_node(short_dir) as (node, _):
        kubelet = node.devices.socket_path
        plugin = AskingPlugin(kubelet.with_name("real.sock"), node.api.url.removeprefix("http://"))
        try:
            register(kubelet, plugin.serve().path.name, REAL)
            assert node.devices.wait_until(lambda: REAL in node.devices.known(), 10)
            yield node, plugin
        finally:
            plugin.close()


@pytest.mark.parametrize("bound", [{}, {"nodeName": "n1"}], ids=["scheduled", "bound by its manifest"])
def test_the_pod_that_is_admitted_is_bound_and_pending(
    asking: tuple[LiveNode, AskingPlugin], bound: dict[str, str]
) -> None:
    """And no other one: a pod that runs is pending no more, and one without a node is not this node's."""
    node, plugin = asking
    for name in ("a", "b"):
        spec = {"containers": [container(real=1)], **bound}
        node.create({"metadata": {"namespace": "default", "name": name}, "spec": spec})
    node.create({"metadata": {"namespace": "default", "name": "big"}, "spec": {"containers": [container(real=9)]}})

    assert [[("a", "n1", False)], [("b", "n1", False)]] == plugin.found
    assert {"a": "Running", "b": "Running", "big": "Pending"} == phases(node)
