"""Writes the files in which DRA drivers describe the claims that they have prepared (KEP-5304), for the scenario's."""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from podres_exporter.scenario import Scenario
from podres_exporter.sim.api import PODS, RESOURCE_CLAIMS, StatusError, Store
from podres_exporter.sim.live.kubelet import Kubelet

_VERSION = "metadata.resource.k8s.io/v1alpha1"
_FOLDER, _FILE = "dra-device-metadata", "metadata.json"

Place = tuple[str, str, str]
"""Driver, namespace and name of a claim."""


class DeviceMetadataFiles:
    """
    Plays the drivers of the scenario that write such files; a registered driver writes its own.

    A claim's files are there while a pod that uses it is prepared.

    Source: k8s.io/dynamic-resource-allocation kubeletplugin/metadata.go.
    """

    def __init__(self, scenario: Scenario, directory: Path, store: Store, pods: Kubelet) -> None:
        """Write nothing yet."""
        self._drivers, self._plugins = scenario.metadata_drivers, directory / "plugins"
        self._claims = {(each.namespace, each.name): each for each in scenario.claims}
        self._store, self._pods = store, pods
        self._lock = threading.Lock()
        self._written: dict[Place, Path] = {}

    def write(self) -> None:
        """Write and remove what is due. Raises OSError: the directory cannot be written."""
        if not self._drivers:
            return
        with self._lock:
            used = dict(self._used())
            for place, folder in list(self._written.items()):
                if place not in used:
                    shutil.rmtree(folder, ignore_errors=True)
                    del self._written[place]
            for place, name in used.items():
                if place not in self._written:
                    self._written[place] = self._describe(place, name)

    def _used(self) -> Iterator[tuple[Place, str]]:
        """Yield the prepared claims, and what the pod calls one that was made for it."""
        for uid, key in self._pods.uids().items():
            live = self._pods.pod(uid)
            if live is None or not live.holds_claims:
                continue
            made = self._made_for(key)
            for name in {claim for named in live.claim_requests.values() for _, _, claim in named}:
                claim = self._claims.get((key[0], name))
                for driver in {each.driver for each in claim.devices} & self._drivers if claim else ():
                    yield (driver, key[0], name), made.get(name, "")

    def _made_for(self, key: tuple[str, str]) -> Mapping[str, str]:
        """Return the pod's names for the claims that were made from its templates."""
        try:
            status = self._store.get(PODS, *key).get("status") or {}
        except StatusError:
            return {}
        return {each.get("resourceClaimName", ""): each["name"] for each in status.get("resourceClaimStatuses") or ()}

    def _describe(self, place: Place, pod_claim_name: str) -> Path:
        """Write a claim's files, one for each request, and return their folder."""
        driver, namespace, name = place
        folder = self._plugins / driver / _FOLDER / f"{namespace}_{name}"
        claim = self._object((namespace, name))
        uid = str((claim.get("metadata") or {}).get("uid", ""))
        for request, devices in _requests(driver, claim).items():
            path = folder / request.partition("/")[0] / _FILE
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(
                {
                    "kind": "DeviceMetadata",
                    "apiVersion": _VERSION,
                    "metadata": {"name": name, "namespace": namespace, "uid": uid, "generation": 1},
                    **({"podClaimName": pod_claim_name} if pod_claim_name else {}),
                    "requests": [{"name": request, "devices": devices}],
                },
                indent=2,
            )
            path.write_text(text + "\n", encoding="utf-8")
            path.chmod(0o644)
        return folder

    def _object(self, key: tuple[str, str]) -> Mapping[str, Any]:
        try:
            return self._store.get(RESOURCE_CLAIMS, *key)
        except StatusError:
            return {}


def _requests(driver: str, claim: Mapping[str, Any]) -> Mapping[str, list[dict[str, str]]]:
    """Return the driver's devices by request, as the claim's allocation has them."""
    allocation = (claim.get("status") or {}).get("allocation") or {}
    found: dict[str, list[dict[str, str]]] = {}
    for each in (allocation.get("devices") or {}).get("results") or ():
        if each["driver"] == driver:
            device = {"driver": driver, "pool": each["pool"], "name": each["device"]}
            found.setdefault(each["request"], []).append(device)
    return found
