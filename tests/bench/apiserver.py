"""An API server with the pods of a node, each about as large as real ones are."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.sizes import NODE, RESOURCES, Size, namespace, pod_name
from bench.timing import CLOCK

from podres_exporter.sim.api import PODS, ApiServer, Store, kubeconfig

POD_BYTES = 14 * 1024


@contextlib.contextmanager
def api_server(size: Size, folder: Path) -> Iterator[Path]:
    """Yield the kubeconfig of a server that has the pods of the node."""
    store = Store(CLOCK)
    for number in range(size.pods):
        store.create(PODS, pod_object(number, size.containers))
    file = folder / "kubeconfig"
    with ApiServer(store, CLOCK) as api:
        file.write_text(kubeconfig(api.url), encoding="utf-8")
        yield file


def pod_object(number: int, containers: int) -> dict[str, Any]:
    """Return a running pod, most of which are environment variables: many small values, as real pods have them."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": namespace(number),
            "name": pod_name(number),
            "labels": {"app": f"app-{number % 20}", "pod-template-hash": "7c9d5b8f6"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "workload-7c9d5b8f6", "controller": True}
            ],
        },
        "spec": {"nodeName": NODE, "containers": [_container(position) for position in range(containers)]},
        "status": {
            "phase": "Running",
            "qosClass": "Burstable",
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
                for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
            "containerStatuses": [_status(position) for position in range(containers)],
        },
    }
    variables: list[dict[str, str]] = []
    pod["spec"]["containers"][0]["env"] = variables  # type: ignore[index]  # a plain object, as JSON is
    one = {"name": "SERVICE_NUMBER_000_HOST", "value": "service-000.example.svc.cluster.local"}
    missing = POD_BYTES - len(json.dumps(pod))
    for index in range(max(0, missing) // (len(json.dumps(one)) + 2)):
        host = f"service-{index:03}.example.svc.cluster.local"
        variables.append({"name": f"SERVICE_NUMBER_{index:03}_HOST", "value": host})
    return pod


def _container(position: int) -> dict[str, Any]:
    amounts = {"cpu": "2", "memory": "1Gi", RESOURCES[position % 2]: "1"}
    return {
        "name": f"container-{position}",
        "image": "registry.example.com/team/workload:1.2.3",
        "resources": {"limits": amounts, "requests": amounts},
    }


def _status(position: int) -> dict[str, Any]:
    return {
        "name": f"container-{position}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
