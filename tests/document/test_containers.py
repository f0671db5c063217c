"""Containers in the document: what each holds, and its NUMA alignment."""

from typing import Any

import pytest
from document_samples import everything
from msgspec import to_builtins

from podres_exporter.document.containers import ContainerRecord, read_container, write_container
from podres_exporter.document.faults import read
from podres_exporter.model import Alignment, Container, ContainerView, Device, Verdict

IDLE = ContainerView(Container("idle"), Alignment(Verdict.NOT_APPLICABLE))


def written(view: ContainerView) -> Any:
    return to_builtins(write_container(view))


def test_a_container_that_holds_nothing_says_so() -> None:
    """The kubelet lists it, so that it holds nothing is known."""
    assert {
        "name": "idle",
        "devices": [],
        "exclusiveCpus": "",
        "memory": [],
        "claims": [],
        "alignment": {"verdict": "not_applicable"},
    } == written(IDLE)
    assert IDLE == read(written(IDLE), ContainerRecord, read_container)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (Device("r", "GPU-1", frozenset()), {"resource": "r", "id": "GPU-1"}),
        (Device("r", "GPU-1", frozenset({1, 0})), {"resource": "r", "id": "GPU-1", "numaNodes": [0, 1]}),
        (Device("r", "GPU-1::3", frozenset()), {"resource": "r", "id": "GPU-1::3", "base": "GPU-1", "replica": "3"}),
    ],
)
def test_a_device_names_what_is_known_of_it(device: Device, expected: dict[str, object]) -> None:
    """Unstated nodes are absent: node 0 is a real one."""
    view = ContainerView(Container("main", (device,)), Alignment(Verdict.UNKNOWN))

    assert [expected] == written(view)["devices"]
    assert view == read(written(view), ContainerRecord, read_container)


def test_devices_are_sorted_whatever_order_a_tool_has_left_them_in() -> None:
    """What counts them goes by runs of one resource: a second run would be a second series of its name."""
    devices = tuple(Device(resource, number, frozenset()) for resource in ("gpu", "nic") for number in ("0", "1"))
    found = written(ContainerView(Container("main", devices), Alignment(Verdict.UNKNOWN)))
    found["devices"][1], found["devices"][2] = found["devices"][2], found["devices"][1]

    assert devices == read(found, ContainerRecord, read_container).container.devices


def test_every_reason_of_a_verdict_is_kept() -> None:
    """`explain` says from them what is in the way."""
    allocation = everything().allocation
    assert allocation is not None
    (view,) = allocation.pods[0].containers

    assert {
        "verdict": "misaligned",
        "numaNodes": [0, 1],
        "reasons": [
            {"resource": "cpu", "count": 2, "needs": "every", "numaNodes": [1]},
            {"resource": "nvidia.com/gpu", "count": 1, "needs": "any", "numaNodes": [0]},
        ],
        "unplaced": 1,
    } == written(view)["alignment"]
    assert view == read(written(view), ContainerRecord, lambda record: read_container(record, ("GPU-1",)))
