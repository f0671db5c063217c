"""
The schedule of a soak test, and the log lines that are allowed.

The exporter polls every second instead of every ten, and what depends on that is scaled alike: a second stands for ten.
Pauses before the API server is asked again are in real time, because they cannot be configured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FACTOR = 10
"""How much faster time goes by: a poll per second is the least that the exporter allows."""

POLL_SECONDS = 1.0
FLAGS = (
    "--kubelet.poll-interval=1s",
    "--kubelet.timeout=1s",
    "--snapshot.max-age=12s",
    "--snapshot.hold-down=6s",
    "--web.listen-address=127.0.0.1:0",
    "--metadata.pod-labels-allowlist=pods=[*]",
    "--collector.cpu-info",
)
"""The defaults of `serve`, ten times as fast; more collectors, as they make more to leak."""

TICK_SECONDS = 0.1
FAULT_SECONDS = 6.0
"""From one fault to the next: a minute, ten times as fast."""

GPU, SLICE = "example.com/gpu", "example.com/slice"
NODE = "soak-node"


def scenario() -> str:
    """Return the node: 16 GPUs, 16 slices, 32 CPUs, two NUMA nodes."""
    gpus = ", ".join(f"{{id: GPU-{index:02d}, numa_nodes: [{index // 8}]}}" for index in range(16))
    slices = ", ".join(f'{{id: "GPU-shared::{index}", numa_nodes: [0]}}' for index in range(16))
    return f"""
node: {NODE}
kubelet: {{release: "1.36", cpu_manager: {{policy: static, reserved: "0,16"}}}}
numa:
  - {{node: 0, cpus: "0-15", memory: 64Gi}}
  - {{node: 1, cpus: "16-31", memory: 64Gi}}
resources:
  - {{name: {GPU}, devices: [{gpus}]}}
  - {{name: {SLICE}, devices: [{slices}]}}
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and which source it may take down, once."""

    name: str
    source: str
    restarts_kubelet: bool = False


EXPIRES, CUT, ENDS = (
    Fault("watch expires (410)", ""),
    Fault("watch is cut", "metadata"),
    Fault("watch ends in time", ""),
)
LIST_FAILS = Fault("watch expires, list fails (500)", "metadata")
HALF, AWAY = Fault("half an event", "metadata"), Fault("API server is away", "metadata")
PLUGIN, THROTTLES = Fault("plugin dies", ""), Fault("kubelet throttles", "kubelet")
RESTARTS = Fault("kubelet restarts", "kubelet", restarts_kubelet=True)
HANGS = Fault("kubelet hangs", "kubelet")

_OF_THE_NODE = (PLUGIN, RESTARTS, THROTTLES, HANGS, PLUGIN, RESTARTS, THROTTLES)
FAULTS = (EXPIRES, CUT, AWAY, *_OF_THE_NODE, ENDS, HALF, LIST_FAILS, *_OF_THE_NODE)
"""
In this order, again and again.

A watch that has gone on for half a minute counts as one that works. Where none ever does, the pauses before the API
server is asked again grow to a minute, and most of a soak would go by without it.
"""
SHORT = (EXPIRES, PLUGIN, RESTARTS, CUT, THROTTLES, HANGS)
"""Those that are soon over."""


def allowed_lines(counts: Mapping[str, int]) -> dict[str, int]:
    """
    Return how often each event may stand in the log after so many faults of each name.

    A fault is told once when it comes and once when it is over. The start tells that the four sources (kubelet,
    topology, pods, DRA) are up, and which version of DRA the API server has. After a restart of the kubelet pods may be
    retained, and be current again.
    """
    known = set(FAULTS)
    restarts = sum(counts.get(each.name, 0) for each in known if each.restarts_kubelet)
    downs = sum(counts.get(each.name, 0) for each in known if each.source)
    return {
        "started": 1,
        "stopped": 1,
        "source.down": downs,
        "source.up": downs + 4,
        "dra.following": 1,
        "kubelet.restarted": restarts,
        "pods.retained": restarts,
        "pods.current": restarts,
        "pods.given_up": restarts,
    }
