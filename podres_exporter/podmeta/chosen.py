"""Read which devices a scheduler chose for a pod in an annotation, overriding the ids that the kubelet lists."""

import re

from podres_exporter.podmeta.records import Annotations

_DEVICES = re.compile(r"[:;]")
_MOST = 64
"""Maximum number of devices kept of one pod; no machine has more GPUs."""


def chosen(annotations: Annotations | None) -> tuple[str, tuple[str, ...]]:
    """
    Return the annotation that decides and the devices it names, sorted; empty without such an annotation.

    gpushare names the GPU by its index, which only shows that the kubelet's id is not the real device.

    Source: HAMi pkg/device/devices.go EncodePodDevices; Volcano's vgpu plugin; gpushare-scheduler-extender.
    """
    if annotations is None:
        return "", ()
    for name, text in (
        ("hami.io/vgpu-devices-allocated", annotations.hami),
        ("volcano.sh/vgpu-ids-new", annotations.volcano),
    ):
        found = {device.partition(",")[0].strip() for device in _DEVICES.split(text)} - {""}
        if found:
            return name, tuple(sorted(found)[:_MOST])
    if annotations.gpushare.strip().isdecimal():
        return "ALIYUN_COM_GPU_MEM_IDX", (f"GPU {annotations.gpushare.strip()}",)
    return "", ()
