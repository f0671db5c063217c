"""A simulated API server with the pods of a node in realistic size, and a service account for its client."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.rigs.sizes import NODE, RESOURCES, Size, namespace, pod_name
from bench.rigs.timing import CLOCK
from tls_rig import Authority

from podres_exporter.sim.api import PODS, RESOURCE_SLICES, ApiServer, Store

POD_BYTES = 14 * 1024
DEVICES_PER_SLICE = 128


# In namespaces of its own a process sees the account where the kubelet would have mounted it, and the machine has none.
_INSIDE = (
    "mount -t tmpfs tmpfs /var/run && mkdir -p /var/run/secrets/kubernetes.io && "
    'ln -s "$0" /var/run/secrets/kubernetes.io/serviceaccount && exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a pod is given to ask the API server: the environment, and a folder with a token and an authority."""

    environment: Mapping[str, str]
    folder: Path

    @property
    def inside(self) -> list[str]:
        """What stands before a command, so that it runs as in a pod; it needs user namespaces."""
        return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _INSIDE, str(self.folder)]


@contextlib.contextmanager
def account_at(store: Store, folder: Path) -> Iterator[Account]:
    """Yield the account for an API server that has what is in the store, over TLS as in every cluster."""
    authority = Authority()
    account = folder / "account"
    account.mkdir()
    (account / "token").write_text("token", encoding="ascii")
    (account / "ca.crt").write_bytes(authority.pem)
    with ApiServer(store, CLOCK, tls=authority.server_context()) as api:
        where = urlsplit(api.url)
        environment = {"KUBERNETES_SERVICE_HOST": str(where.hostname), "KUBERNETES_SERVICE_PORT": str(where.port)}
        yield Account(environment, account)


@contextlib.contextmanager
def api_server(size: Size, folder: Path, slices: int = 0) -> Iterator[Account]:
    """Yield the account for a server that has the pods of the node, and so many of its ResourceSlices."""
    store = Store(CLOCK)
    for number in range(size.pods):
        store.create(PODS, pod_object(number, size.containers))
    for number in range(slices):
        store.create(RESOURCE_SLICES, slice_object(number, slices))
    with account_at(store, folder) as account:
        yield account


def slice_object(number: int, count: int) -> dict[str, Any]:
    """Return one of *count* slices of a pool, with as many devices as one may have, described as real drivers do."""
    return {
        "metadata": {"name": f"slice-{number}"},
        "spec": {
            "driver": "gpu.example.com",
            "nodeName": NODE,
            "pool": {"name": NODE, "generation": 1, "resourceSliceCount": count},
            "devices": [_dra_device(number * DEVICES_PER_SLICE + index) for index in range(DEVICES_PER_SLICE)],
        },
    }


def _dra_device(number: int) -> dict[str, Any]:
    texts = {
        "type": "gpu",
        "uuid": f"GPU-{number:08}-1111-2222-3333-444444444444",
        "productName": "Example H100 80GB HBM3",
        "brand": "Example",
        "architecture": "Hopper",
        "resource.kubernetes.io/pciBusID": f"0000:{number % 256:02x}:00.0",
        "resource.kubernetes.io/pcieRoot": f"pci0000:{number % 256:02x}",
    }
    attributes: dict[str, Any] = {name: {"string": text} for name, text in texts.items()}
    attributes["resource.kubernetes.io/numaNode"] = {"int": number % 2}
    attributes["driverVersion"] = {"version": "570.86.15"}
    attributes["cudaComputeCapability"] = {"version": "9.0.0"}
    return {"name": f"gpu-{number}", "attributes": attributes, "capacity": {"memory": {"value": "80Gi"}}}


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
