"""
On a real node: DRA metrics equal values computed here from the API server's objects.

Runs where a real node is given, and is skipped everywhere else. It needs an administrator's kubeconfig (KUBECONFIG),
root, the node's own sockets and /sys, a DRA driver that publishes slices, and pods with claims (two containers that use
one request each, and admin access, are asked for; extended resources only where the kubelet serves them by DRA, from
1.36 on by default), so it runs on the node, or in its namespaces:

    PODRES_REAL_NODE=NAME PODRES_REAL_POD=NAMESPACE/NAME pytest -s tests/real_node/test_dra.py

PODRES_REAL_POD is a pod that stands for the exporter's own. PODRES_REAL_KUBECONFIG is that of the exporter's account,
if another; its rights are then put to the test too. PODRES_REAL_INTERFACE_CLASS is a DeviceClass of a driver that makes
network interfaces, with a free device, for the second test, which states an interface itself (PODRES_REAL_IMAGE: the
image of its pod).
"""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from podres_exporter.clock import SystemClock

NODE, POD = os.environ.get("PODRES_REAL_NODE", ""), os.environ.get("PODRES_REAL_POD", "")
INTERFACE_CLASS, IMAGE = (
    os.environ.get("PODRES_REAL_INTERFACE_CLASS", ""),
    os.environ.get("PODRES_REAL_IMAGE", "busybox"),
)
CLOCK, NEVER = SystemClock(), threading.Event()
SETTLE_SECONDS = 60.0
PORT = 10303

pytestmark = [
    pytest.mark.skipif(not (NODE and POD), reason="no real node is given: PODRES_REAL_NODE, PODRES_REAL_POD"),
    pytest.mark.timeout(300),
]

Object = dict[str, Any]
Row = tuple[str, ...]
Table = dict[str, set[Row]]
COMPARED = {
    "podres_dra_device_info": ("driver", "pool", "device", "uuid", "pci_address", "numa_nodes", "type"),
    "podres_dra_pool_info": ("driver", "pool", "generation", "complete", "stale"),
    "podres_dra_device_taint": ("driver", "pool", "device", "key", "value", "effect"),
    "podres_node_dra_devices": ("driver", "type", "state"),
    "podres_container_claim_device_info": (
        *("namespace", "pod", "container", "claim", "driver", "pool", "device", "share_id"),
        *("attribution", "request", "admin_access"),
    ),
    "podres_container_claim_consumed_capacity": (
        *("namespace", "pod", "container", "claim", "driver", "pool", "device", "share_id", "request", "capacity"),
    ),
    "podres_container_claim_interface_info": (
        *("namespace", "pod", "container", "claim", "driver", "pool", "device", "share_id", "request"),
        *("interface", "hardware_address"),
    ),
}
"""The labels that are compared, the value comes last."""


def kubectl(*argv: str) -> list[Object]:
    command = ["kubectl", "get", *argv, "-o", "json"]
    done = subprocess.run(command, timeout=60, check=True, capture_output=True)
    items: list[Object] = json.loads(done.stdout)["items"]
    return items


def attribute(device: Object, driver: str, *names: str) -> str:
    """Return the first of these attributes that the device has, under either spelling."""
    stated = device.get("attributes", {})
    for name in names:
        for spelling in (name, f"{driver}/{name}"):
            if spelling in stated:
                (value,) = stated[spelling].values()
                return str(value)
    return ""


def of_slices(slices: Iterable[Object]) -> Table:
    """Return what the slices of this node say, each pool being whole."""
    table: Table = {name: set() for name in COMPARED}
    for spec in (each["spec"] for each in slices):
        driver, pool = spec["driver"], spec["pool"]["name"]
        table["podres_dra_pool_info"].add((driver, pool, str(spec["pool"]["generation"]), "true", "false", "1"))
        for device in spec.get("devices", []):
            told = [
                attribute(device, driver, "uuid"),
                attribute(device, driver, "resource.kubernetes.io/pciBusID"),
                attribute(device, driver, "resource.kubernetes.io/numaNode", "dra.net/numaNode", "numaNode", "numa"),
                attribute(device, driver, "type"),
            ]
            table["podres_dra_device_info"].add((driver, pool, device["name"], *told, "1"))
            for taint in device.get("taints", []):
                row = (driver, pool, device["name"], taint["key"], taint.get("value", ""), taint["effect"], "1")
                table["podres_dra_device_taint"].add(row)
    return table


def claims_of(pod: Object) -> dict[str, str]:
    """Return the claims of a pod by its own names of them."""
    statuses = {
        each["name"]: each.get("resourceClaimName", "") for each in pod["status"].get("resourceClaimStatuses", [])
    }
    return {
        each["name"]: each.get("resourceClaimName") or statuses.get(each["name"], "")
        for each in pod["spec"].get("resourceClaims", [])
    }


def containers_of(pod: Object) -> list[Object]:
    """Return what the kubelet lists: containers, and init containers that stay."""
    inits = [each for each in pod["spec"].get("initContainers", []) if each.get("restartPolicy") == "Always"]
    return [*inits, *pod["spec"]["containers"]]


def uses_of(pod: Object, claims: dict[tuple[str, str], Object]) -> Iterator[tuple[str, Object, Object]]:
    """Yield (container, claim, result) for what each container uses."""
    namespace, names = pod["metadata"]["namespace"], claims_of(pod)
    for container in containers_of(pod):
        asked = [
            (names.get(each["name"], ""), each.get("request", ""))
            for each in container.get("resources", {}).get("claims", [])
        ]
        extended = pod["status"].get("extendedResourceClaimStatus") or {}
        asked += [
            (extended["resourceClaimName"], each["requestName"])
            for each in extended.get("requestMappings", [])
            if each["containerName"] == container["name"]
        ]
        for name in sorted({name for name, _ in asked}):
            requests = {request for each, request in asked if each == name}
            claim = claims[namespace, name]
            for result in claim["status"]["allocation"]["devices"]["results"]:
                if "" in requests or result["request"] in requests or result["request"].split("/")[0] in requests:
                    yield container["name"], claim, result


def of_claims(table: Table, pods: Iterable[Object], claims: Iterable[Object]) -> set[tuple[str, str, str]]:
    """Add what the claims of the pods say; return the devices that they hold."""
    by_name = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in claims}
    held = set()
    for pod in pods:
        for container, claim, result in uses_of(pod, by_name):
            who = (pod["metadata"]["namespace"], pod["metadata"]["name"], container, claim["metadata"]["name"])
            key = (result["driver"], result["pool"], result["device"])
            what = (*key, result.get("shareID", ""))
            is_admin = result.get("adminAccess", False)
            row = (*who, *what, "container", result["request"], str(is_admin).lower(), "1")
            table["podres_container_claim_device_info"].add(row)
            for capacity, amount in result.get("consumedCapacity", {}).items():
                amounts = table["podres_container_claim_consumed_capacity"]
                amounts.add((*who, *what, result["request"], capacity, str(quantity(amount))))
            for interface in interfaces_of(claim, what):
                names = table["podres_container_claim_interface_info"]
                names.add((*who, *what, result["request"], *interface, "1"))
            if not is_admin:
                held.add(key)
    return held


def interfaces_of(claim: Object, device: Row) -> Iterator[Row]:
    """Yield name and hardware address of the interface that the driver states for a device of the claim."""
    for each in claim["status"].get("devices", []):
        data = each.get("networkData")
        if data and device == (each["driver"], each["pool"], each["device"], each.get("shareID", "")):
            yield data.get("interfaceName", ""), data.get("hardwareAddress", "")


def quantity(text: str) -> int:
    """Return a quantity in whole units."""
    scales = {"k": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * scales.get(unit, 1)


def count(table: Table, held: set[tuple[str, str, str]]) -> None:
    """Add how many devices of each driver and type there are, and are left."""
    tainted = {row[:3] for row in table["podres_dra_device_taint"] if row[5] in {"NoSchedule", "NoExecute"}}
    states: Counter[Row] = Counter()
    for row in table["podres_dra_device_info"]:
        key, name = row[:3], (row[0], row[6])
        state = "allocated" if key in held else "unavailable" if key in tainted else "available"
        for each in ("total", "allocated", "unavailable", "available"):
            states[*name, each] += each in {"total", state}
    table["podres_node_dra_devices"] = {(*key, str(number)) for key, number in states.items()}


def expected() -> Table:
    """Return what the API server's objects come to."""
    slices = [each for each in kubectl("resourceslices") if each["spec"].get("nodeName") == NODE]
    pods = [
        each
        for each in kubectl("pods", "-A", f"--field-selector=spec.nodeName={NODE}")
        if each["status"]["phase"] not in {"Succeeded", "Failed"}
    ]
    table = of_slices(slices)
    count(table, of_claims(table, pods, kubectl("resourceclaims", "-A")))
    return table


def shown() -> Table:
    """Return what the exporter shows."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    table: Table = {name: set() for name in COMPARED}
    for sample in (each for family in families for each in family.samples):
        if sample.name in COMPARED:
            row = tuple(sample.labels.get(label, "") for label in COMPARED[sample.name])
            table[sample.name].add((*row, f"{sample.value:g}" if sample.value < 1e6 else str(int(sample.value))))
    return table


@contextmanager
def exporter() -> Iterator[None]:
    namespace, _, name = POD.partition("/")
    kubeconfig = os.environ.get("PODRES_REAL_KUBECONFIG") or os.environ["KUBECONFIG"]
    argv = [sys.executable, "-m", "podres_exporter", "serve", f"--node-name={NODE}", "--kubelet.poll-interval=1s"]
    argv += [f"--web.listen-address=127.0.0.1:{PORT}", f"--metadata.kubeconfig={kubeconfig}", "--log.level=warning"]
    process = subprocess.Popen(argv, env={**os.environ, "POD_NAMESPACE": namespace, "POD_NAME": name})
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def equal() -> Table:
    """Wait until every value equals the API server's objects, and return them."""
    began, wanted, seen = CLOCK.monotonic_seconds(), expected(), dict[str, set[Row]]()
    while CLOCK.monotonic_seconds() - began < SETTLE_SECONDS:
        try:
            seen = shown()
        except OSError:
            seen = {}
        if seen == wanted:
            break
        NEVER.wait(1.0)
        wanted = expected()
    for name, rows in wanted.items():
        missing, extra = sorted(rows - seen.get(name, set())), sorted(seen.get(name, set()) - rows)
        assert ([], []) == (missing, extra), name
    return wanted


def test_every_value_equals_the_api_server_s_objects() -> None:
    with exporter():
        wanted = equal()
    uses = wanted["podres_container_claim_device_info"]
    requests = Counter((row[0], row[1], row[3]) for row in uses if sum(each[:3] == row[:3] for each in uses) == 1)
    assert any(number > 1 for number in requests.values()), "no two containers use one request of a claim each"
    assert any(row[10] == "true" for row in uses), "no claim has admin access"
    sys.stdout.write("".join(f"{name}: {len(rows)} series equal\n" for name, rows in wanted.items()))


def run(*argv: str, given: object = None) -> str:
    text = None if given is None else json.dumps(given)
    command = ["kubectl", *argv]
    return subprocess.run(command, input=text, timeout=90, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not INTERFACE_CLASS, reason="no class of interfaces is given: PODRES_REAL_INTERFACE_CLASS")
def test_an_interface_that_the_driver_states_later_is_shown() -> None:
    """The exporter has read the claim by then: it is read once more."""
    name = f"interface-{os.getpid()}"
    meta = {"name": name, "namespace": "default"}
    request = {"name": "net", "exactly": {"deviceClassName": INTERFACE_CLASS}}
    claim = {"kind": "ResourceClaim", "metadata": meta, "spec": {"devices": {"requests": [request]}}}
    run("create", "-f", "-", given={"apiVersion": "resource.k8s.io/v1", **claim})
    container = {"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "86400"]}
    spec = {
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "resourceClaims": [{"name": "net", "resourceClaimName": name}],
        "containers": [{**container, "resources": {"claims": [{"name": "net"}]}}],
    }
    run("create", "-f", "-", given={"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    try:
        run("wait", "--for=condition=Ready", "--timeout=60s", f"pod/{name}")
        with exporter():
            before = equal()
            stated = json.loads(run("get", "resourceclaim", name, "-o", "json"))["status"]["allocation"]
            device = {key: stated["devices"]["results"][0][key] for key in ("driver", "pool", "device")}
            data = {"interfaceName": "net1", "hardwareAddress": "02:00:00:00:00:01", "ips": ["192.0.2.1/24"]}
            patch = json.dumps({"status": {"devices": [{**device, "networkData": data}]}})
            run("patch", "resourceclaim", name, "--subresource=status", "--type=merge", "-p", patch)
            began = CLOCK.monotonic_seconds()
            after = equal()
            took = CLOCK.monotonic_seconds() - began
    finally:
        run("delete", "pod", name, "--wait=true")
        run("delete", "resourceclaim", name, "--wait=false")
    family = "podres_container_claim_interface_info"
    added = after[family] - before[family]
    assert [(row[1], row[9], row[10]) for row in added] == [(name, "net1", "02:00:00:00:00:01")]
    sys.stdout.write(f"an interface stated later: shown after {took:.0f} s\n")
