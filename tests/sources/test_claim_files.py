"""The files in which DRA drivers describe prepared claims: as they write them, half written, foreign and hostile."""

import json
import os
from pathlib import Path

import pytest

from podres_exporter.model import Claim, ClaimDevice
from podres_exporter.sources.claim_files import ClaimFiles

DRIVER = "gpu.example.com"
VERSIONS = ("metadata.resource.k8s.io/v1beta1", "metadata.resource.k8s.io/v1alpha1")


def claim(name: str = "train-a-x7k2p", *drivers: str, namespace: str = "ml") -> Claim:
    return Claim(namespace, name, tuple(ClaimDevice(each, "p", "d", "", ()) for each in drivers or (DRIVER,)))


def described(name: str = "train-a-x7k2p", pod_claim_name: object = "a", namespace: str = "ml", **more: object) -> str:
    """Return the object as encoded once for each version, which is how drivers write it."""
    objects = [
        {
            "kind": "DeviceMetadata",
            "apiVersion": version,
            "metadata": {"name": name, "namespace": namespace, "uid": "1", "generation": 1},
            "podClaimName": pod_claim_name,
            "requests": [{"name": "gpu", "devices": [{"driver": DRIVER, "pool": "p", "name": "d"}]}],
            **more,
        }
        for version in VERSIONS
    ]
    return "".join(json.dumps(each, indent=2) + "\n" for each in objects)


def put(
    root: Path, text: str | bytes, name: str = "ml_train-a-x7k2p", request: str = "gpu", driver: str = DRIVER
) -> Path:
    folder = root / driver / "dra-device-metadata" / name / request
    folder.mkdir(parents=True, exist_ok=True)
    data = text.encode() if isinstance(text, str) else text
    (folder / "metadata.json").write_bytes(data)
    return folder / "metadata.json"


def test_the_pods_name_of_a_claim_is_read(tmp_path: Path) -> None:
    """Of the driver of one of its devices, whichever writes such files."""
    put(tmp_path, described())
    wanted = claim("train-a-x7k2p", "another.example.com", DRIVER)

    assert {("ml", "train-a-x7k2p"): "a"} == ClaimFiles(tmp_path).names([wanted, claim("other")])


def test_a_claim_that_was_made_from_no_template_has_no_other_name(tmp_path: Path) -> None:
    """Drivers leave the field out then."""
    put(tmp_path, described(pod_claim_name=None))

    assert {} == ClaimFiles(tmp_path).names([claim()])


FAULTS: dict[str, str | bytes] = {
    "empty": "",
    "half written": described()[:90],
    "not JSON": "podClaimName: a",
    "not UTF-8": b"\xff\xfe{}",
    "a list": json.dumps([json.loads(described().partition("\n}\n")[0] + "}")]),
    "another kind": described(kind="Device"),
    "another group": described(apiVersion="example.com/v1"),
    "another claim": described("train-b-x7k2p"),
    "another namespace": described(namespace="default"),
    "a name that is no text": described(pod_claim_name=7),
    "metadata that are no object": described(metadata="ml/train-a-x7k2p"),
    "deeply nested": "[" * 100_000,
}


@pytest.mark.parametrize("text", FAULTS.values(), ids=FAULTS)
def test_what_is_not_about_the_claim_tells_nothing(tmp_path: Path, text: str | bytes) -> None:
    """And the next look reads what the driver has written by then."""
    put(tmp_path, text)
    files = ClaimFiles(tmp_path)
    assert {} == files.names([claim()])

    put(tmp_path, described())
    assert {("ml", "train-a-x7k2p"): "a"} == files.names([claim()])


def test_the_first_version_that_can_be_read_counts(tmp_path: Path) -> None:
    """A newer format that is not known stands before it."""
    put(tmp_path, json.dumps({"kind": "DeviceMetadata", "apiVersion": "metadata.resource.k8s.io/v2"}) + described())

    assert {("ml", "train-a-x7k2p"): "a"} == ClaimFiles(tmp_path).names([claim()])


def test_a_request_without_a_file_hides_none_of_the_others(tmp_path: Path) -> None:
    """A driver may be writing them one after the other; files beside the folders are no requests."""
    path = put(tmp_path, described(), request="b")
    (path.parent.parent / "a").mkdir()
    (path.parent.parent / "0").write_text("")

    assert {("ml", "train-a-x7k2p"): "a"} == ClaimFiles(tmp_path).names([claim()])


def test_what_was_read_is_remembered_while_it_is_asked_for(tmp_path: Path) -> None:
    """A claim's name never changes, and its file goes before its pod does; a new claim of the name is read again."""
    path = put(tmp_path, described())
    files = ClaimFiles(tmp_path)
    assert {("ml", "train-a-x7k2p"): "a"} == files.names([claim()])
    path.unlink()

    assert {("ml", "train-a-x7k2p"): "a"} == files.names([claim()])
    assert {} == files.names([])
    assert {} == files.names([claim()])


@pytest.mark.parametrize("driver", ["..", ".", "../secret", "/etc", "", "a\0b"])
def test_a_name_of_the_kubelet_s_answer_leads_nowhere_else(tmp_path: Path, driver: str) -> None:
    """What stands outside the directory is not read, whatever the answer calls drivers and claims."""
    put(tmp_path / "secret", described())
    put(tmp_path, described(), driver="secret")
    root = tmp_path / "plugins"
    root.mkdir()

    assert {} == ClaimFiles(root).names([claim("train-a-x7k2p", driver)])
    assert {} == ClaimFiles(root).names([claim("../../secret/x", DRIVER, namespace="..")])


def test_a_directory_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """No driver has registered yet, or none writes files."""
    assert {} == ClaimFiles(tmp_path / "plugins").names([claim()])


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    """A poll must not wait for a writer that never comes; the next request's file is read."""
    fifo = put(tmp_path, "", request="a")
    fifo.unlink()
    os.mkfifo(fifo)
    put(tmp_path, described(), request="b")

    assert {("ml", "train-a-x7k2p"): "a"} == ClaimFiles(tmp_path).names([claim()])


@pytest.mark.parametrize("link", ["/dev/zero", "/dev/null"])
def test_no_device_is_read(tmp_path: Path, link: str) -> None:
    path = put(tmp_path, "")
    path.unlink()
    path.symlink_to(link)

    assert {} == ClaimFiles(tmp_path).names([claim()])


@pytest.mark.parametrize("filler", ["0 ", "{}\n", "[] ", '""\t'])
def test_values_before_the_object_are_passed_over_however_many(tmp_path: Path, filler: str) -> None:
    put(tmp_path, filler * (500_000 // len(filler)) + described())

    assert {("ml", "train-a-x7k2p"): "a"} == ClaimFiles(tmp_path).names([claim()])
