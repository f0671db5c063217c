"""
Read from the files in which DRA drivers describe prepared claims which claim of its pod one is (KEP-5304).

A driver keeps them in its data directory, `PLUGINS/DRIVER/dra-device-metadata/NAMESPACE_CLAIM/REQUEST/metadata.json`:
the same object once for each version of the format, one after the other. `podClaimName` is set for claims made from a
template.

Source: k8s.io/dynamic-resource-allocation kubeletplugin/metadata.go, api/metadata/v1alpha1.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from podres_exporter.model import Claim, ClaimKey
from podres_exporter.regular_file import open_regular

_FOLDER, _FILE = "dra-device-metadata", "metadata.json"
_MAX_BYTES, _MAX_ENTRIES = 1 << 20, 64
"""The API limits a claim to 32 requests."""
_SPACE = re.compile(r"\s*")
_GROUP, _KIND = "metadata.resource.k8s.io/", "DeviceMetadata"


class ClaimFiles:
    """A ClaimNameSource. What a file has said of a claim is remembered until the claim is no longer asked about."""

    def __init__(self, plugins: Path) -> None:
        """Read below *plugins*, `/var/lib/kubelet/plugins` on a real node."""
        self._plugins = plugins
        self._known: dict[ClaimKey, str] = {}

    def names(self, claims: Collection[Claim]) -> Mapping[ClaimKey, str]:
        """Return the pods' names for those of the claims that a driver's file describes; raises nothing."""
        found = {(each.namespace, each.name): each for each in claims}
        self._known = {
            key: name for key, claim in found.items() if (name := self._known.get(key) or self._pod_claim_name(claim))
        }
        return self._known

    def _pod_claim_name(self, claim: Claim) -> str:
        """Return the name from the first readable file, in order of drivers and requests; empty if there is none."""
        for driver in sorted({device.driver for device in claim.devices}):
            if not all(map(_is_file_name, (driver, claim.namespace, claim.name))):
                continue
            folder = self._plugins / driver / _FOLDER / f"{claim.namespace}_{claim.name}"
            for path in _files(folder):
                if name := _read(path, claim):
                    return name
        return ""


def _is_file_name(text: str) -> bool:
    """Return whether the text stays in its folder as a name; the kubelet's answer is not trusted to be a path."""
    return bool(text) and "/" not in text and "\0" not in text and text not in {".", ".."}


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            requests = sorted(each.name for each in islice(entries, _MAX_ENTRIES))
    except OSError:
        return []
    return [folder / each / _FILE for each in requests]


def _read(path: Path, claim: Claim) -> str:
    """Return `podClaimName` of the first object that is about this claim; empty if there is none."""
    try:
        with open_regular(path) as file:
            data = file.read(_MAX_BYTES)
    except OSError:
        return ""
    for each in _objects(data.decode("utf-8", errors="replace")):
        metadata = each.get("metadata")
        is_metadata = str(each.get("apiVersion")).startswith(_GROUP) and each.get("kind") == _KIND
        if not is_metadata or not isinstance(metadata, dict):
            continue
        name = each.get("podClaimName")
        is_its_own = (metadata.get("namespace"), metadata.get("name")) == (claim.namespace, claim.name)
        if is_its_own and isinstance(name, str):
            return name
    return ""


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects of a stream up to the first fault: a driver may be writing the file at this moment."""
    decoder, at = json.JSONDecoder(), 0
    while True:
        try:
            value, at = decoder.raw_decode(text, _after_space(text, at))
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            yield value
