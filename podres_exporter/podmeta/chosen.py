"""Devices that a scheduler chose for a pod in an annotation, whichever ids the kubelet lists."""

import re

from podres_exporter.podmeta.records import Annotations

_DEVICES = re.compile(r"[:;]")
_MOST = 64
"""Devices that are kept of one pod; no machine has more GPUs."""


def chosen(annotations: Annotations | None) -> tuple[str, tuple[str, ...]]:
    """
    Return the name of the annotation that decides, and the devices that it names, sorted; empty where there is none.

    gpushare names the GPU by its index, which says no more than that the kubelet's id does not decide.

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
