"""A pod's requests as the kubelet counts them, and pending resizes."""

from typing import Any

import pytest
from pod_json import asking, pod_json, to_bytes

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.model import PodMeta
from podres_exporter.podmeta import PodDecoder

MIB = 1 << 20


def meta(*containers: dict[str, Any], spec: Any = None, status: Any = None, annotations: Any = None) -> PodMeta:
    metadata = {"annotations": annotations} if annotations else {}
    raw = to_bytes(pod_json(*containers, metadata=metadata, spec=spec, status=status))
    return PodDecoder(LabelAllowlist()).decode(raw).meta


def requesting(name: str, cpu: str, memory: str = "0") -> dict[str, Any]:
    return asking(name, requests={"cpu": cpu, "memory": memory})


def test_containers_add_up_and_init_containers_count_at_their_peak() -> None:
    """KEP-753: a sidecar stays, so it counts beside the init container after it."""
    sidecar = {**requesting("side", "200m", "10Mi"), "restartPolicy": "Always"}
    inits = [requesting("first", "3", "1Mi"), sidecar, requesting("second", "2900m", "500Mi")]
    pod = meta(requesting("a", "1", "100Mi"), requesting("b", "500m", "100Mi"), spec={"initContainers": inits})

    assert (3100, 510 * MIB) == (pod.cpu_millicores, pod.memory_bytes)


def test_the_pods_own_requests_count_in_place_of_its_containers() -> None:
    """KEP-2837; a limit stands for a request that is left out."""
    pod = meta(requesting("a", "1", "100Mi"), spec={"resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "6"}}})

    assert (4000, 100 * MIB) == (pod.cpu_millicores, pod.memory_bytes)


def test_the_overhead_of_the_sandbox_comes_on_top() -> None:
    """A RuntimeClass such as Kata's (KEP-688)."""
    pod = meta(requesting("a", "1", "100Mi"), spec={"overhead": {"cpu": "250m", "memory": "160Mi"}})

    assert (1250, 260 * MIB) == (pod.cpu_millicores, pod.memory_bytes)


@pytest.mark.parametrize(
    "told",
    [
        {"allocatedResources": {"cpu": "2", "memory": "1Gi"}},
        {"resources": {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}},
        {"allocatedResources": {"cpu": "2"}, "resources": {"requests": {"cpu": "3"}}},
    ],
)
def test_what_the_kubelet_admitted_counts_and_not_what_a_resize_asks_for(told: dict[str, Any]) -> None:
    """KEP-1287: with the static CPU manager a resize of a Guaranteed pod is infeasible, and the spec keeps it."""
    status = {"containerStatuses": [{"name": "main", **told}]}
    pod = meta(
        asking("main", requests={"cpu": "6", "a.b/gpu": "1"}, limits={"cpu": "6", "a.b/gpu": "1"}), status=status
    )

    assert (2000, (("a.b/gpu", 1),)) == (pod.containers[0].cpu_millicores, pod.containers[0].devices)
    assert 2000 == pod.cpu_millicores


@pytest.mark.parametrize(
    ("status", "resize"),
    [
        (
            {
                "conditions": [
                    {"type": "PodResizePending", "status": "True", "reason": "Deferred", "message": "no room"}
                ]
            },
            "Deferred: no room",
        ),
        ({"conditions": [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}]}, "Infeasible"),
        ({"conditions": [{"type": "PodResizePending", "status": "False", "reason": "Deferred"}]}, ""),
        ({"conditions": [{"type": "PodResizeInProgress", "status": "True"}]}, ""),
        ({"resize": "Infeasible"}, "Infeasible"),
        ({"resize": "InProgress"}, ""),
        ({}, ""),
    ],
)
def test_a_resize_that_waits_is_said(status: dict[str, Any], resize: str) -> None:
    """A condition from 1.33 on, a field before."""
    assert resize == meta(status=status).resize


@pytest.mark.parametrize(
    ("annotations", "by", "devices"),
    [
        (
            {"hami.io/vgpu-devices-allocated": "GPU-b,NVIDIA,6144,30:GPU-a,NVIDIA,6144,30:;GPU-b,NVIDIA,1,1:;"},
            "hami.io/vgpu-devices-allocated",
            ("GPU-a", "GPU-b"),
        ),
        ({"volcano.sh/vgpu-ids-new": "GPU-c,NVIDIA,1000,50:"}, "volcano.sh/vgpu-ids-new", ("GPU-c",)),
        ({"ALIYUN_COM_GPU_MEM_IDX": "3"}, "ALIYUN_COM_GPU_MEM_IDX", ("GPU 3",)),
        ({"hami.io/vgpu-devices-allocated": ";;", "kubectl.kubernetes.io/other": "{}"}, "", ()),
        ({"ALIYUN_COM_GPU_MEM_IDX": "-1"}, "", ()),
    ],
)
def test_the_annotation_of_a_scheduler_that_chooses_devices_is_kept(
    annotations: dict[str, str], by: str, devices: tuple[str, ...]
) -> None:
    """HAMi, Volcano and gpushare decide themselves, and the plugin follows them, not the kubelet."""
    pod = meta(annotations=annotations)

    assert (by, devices) == (pod.chosen_by, pod.chosen_devices)


def test_an_implicit_extended_resource_is_a_request() -> None:
    """KEP-5004: a DeviceClass by its name; other names of Kubernetes' own are no devices."""
    name = "deviceclass.resource.kubernetes.io/gpu.example.com"
    pod = meta(asking("main", limits={name: "2", "attachable-volumes.kubernetes.io/x": "1", "cpu": "1"}))

    assert ((name, 2),) == pod.containers[0].devices
