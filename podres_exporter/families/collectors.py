"""The collectors: groups of metric families that can be switched on and off, with their descriptions."""

COLLECTORS = {
    "devices": "the device-plugin devices of each container",
    "health": "the health of devices in the status of pods (API server)",
    "cpus": "the exclusive CPUs of each container and pod",
    "cpu-info": "one series for each exclusive CPU",
    "cpuset-drift": "whether the cgroups of containers agree with the exclusive CPUs that the kubelet lists",
    "memory": "the memory blocks and huge pages of each container and pod",
    "claims": "the DRA claim devices of each container",
    "dra": "the DRA devices of the node, what is left of them, and the requests of claims (API server)",
    "alignment": "how many NUMA nodes each container spans, and whether it is aligned",
    "pods": "identity of the pods: uid, owner, workload, allowed labels (API server)",
    "requests": "what containers request, and what is missing (API server)",
    "node-devices": "allocatable, allocated and free devices of the node by resource",
    "node-cpus": "the node's allocatable and exclusive CPUs and the shared pool",
    "node-memory": "the node's allocatable and granted memory and huge pages",
    "usage": "running totals of device-seconds and CPU-seconds by namespace and workload",
    "exporter": "the exporter's sources, calls and build",
    "process": "the process_* metrics of the exporter's process",
}
"""Every collector with a description; `process` comes from prometheus_client, the others are families."""
OFF_BY_DEFAULT = frozenset({"cpu-info", "cpuset-drift"})
DEFAULT_COLLECTORS = frozenset(COLLECTORS) - OFF_BY_DEFAULT
