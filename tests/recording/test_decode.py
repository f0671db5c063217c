"""Invalid and damaged recordings are rejected, with the place of the error."""

from typing import Any

import pytest

from podres_exporter.errors import DocumentError, DocumentVersionError
from podres_exporter.model import ClaimFacts, ContainerKind, ContainerSpec, Dra, DraPool, Metadata, PodMeta
from podres_exporter.recording import Call, Recording
from podres_exporter.recording.file import decode, encode, is_recording


def document(**changed: Any) -> dict[str, Any]:
    """Return the file of a small recording with some keys changed."""
    return {**encode(Recording("n1", "0.1.0", 1.0, {"List": Call(b"abc")})), **changed}


@pytest.mark.parametrize(
    ("changed", "path", "problem"),
    [
        ({"apiVersion": "podres/v1"}, "apiVersion", "is 'podres/v1'; a recording has podres-recording/v1"),
        ({"kind": "Pod"}, "kind", "is 'Pod'; a recording has PodResourcesRecording"),
        ({"node": None}, "node", "is missing"),
        ({"recordedAt": None}, "recordedAt", "is missing"),
        ({"recordedAt": "yesterday"}, "recordedAt", "is not a time such as 2026-11-20T08:00:00Z"),
        (
            {"kubelet": {"calls": [{"rpc": "List", "answer": "%%%="}]}},
            "kubelet.calls[0].answer",
            "is not valid base64 (Only base64 data is allowed)",
        ),
        (
            {"kubelet": {"calls": [{"rpc": "List", "answer": "\u00e9"}]}},
            "kubelet.calls[0].answer",
            "is not valid base64",
        ),
        (
            {"kubelet": {"calls": [{"rpc": "List", "refusal": {"reason": "moody"}}]}},
            "kubelet.calls[0].refusal.reason",
            "is 'moody'",
        ),
        ({"kubelet": {"calls": [], "socketAgeSeconds": 1e308}}, "kubelet.socketAgeSeconds", "is beyond 1e+10 seconds"),
        ({"kubelet": {"calls": [], "socketAgeSeconds": -1e11}}, "kubelet.socketAgeSeconds", "is beyond 1e+10 seconds"),
        ({"node": "\ud800"}, "node", "contains half of a character (a lone surrogate)"),
        ({"topology": {"nodes": 3, "cores": []}}, "topology.nodes", "is 3; must be a list"),
        ({"metadata": {"up": True, "pods": []}}, "metadata.synced", "is missing"),
    ],
)
def test_a_fault_is_named_with_its_place(changed: dict[str, Any], path: str, problem: str) -> None:
    """Whoever sent the file can find it."""
    with pytest.raises(DocumentError) as caught:
        decode(document(**changed))

    assert path == caught.value.path
    assert caught.value.problem.startswith(problem)


def test_a_socket_from_the_future_is_read() -> None:
    """Its node's clock was set back since."""
    kubelet = {"calls": [], "socketAgeSeconds": -5.0}

    assert -5.0 == decode(document(kubelet=kubelet)).socket_age_seconds


def test_a_recording_of_a_newer_release_says_which_side_is_to_be_upgraded() -> None:
    """Both versions and the remedy."""
    with pytest.raises(DocumentVersionError) as caught:
        decode(document(apiVersion="podres-recording/v2"))

    assert (
        "apiVersion: is podres-recording/v2 and this release reads podres-recording/v1: "
        "written by a newer podres-exporter; upgrade this one"
    ) == str(caught.value)


def test_keys_that_a_newer_release_has_added_are_passed_over() -> None:
    """They may be added without a new version."""
    assert {"List": Call(b"abc")} == dict(decode(document(weather="fine")).calls)


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        (document(), True),
        (document(apiVersion="podres-recording/v9"), True),
        ({"apiVersion": "podres/v1"}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_recording_is_told_from_other_documents(loaded: object, *, expected: bool) -> None:
    """By its apiVersion alone, so that a newer one is still named as what it is."""
    assert expected == is_recording(loaded)


def test_two_containers_of_one_name_are_a_fault() -> None:
    """No API server tells of such a pod, and its page would have a series twice."""
    meta = PodMeta("ml", "a", "u", containers=(ContainerSpec("main", ContainerKind.APP),) * 2)
    recorded = Recording("n1", "0.1.0", 1.0, metadata=Metadata({meta.key: meta}, synced=True, is_up=True))

    with pytest.raises(DocumentError) as caught:
        decode(encode(recorded))

    assert (
        "metadata.pods[0].metadata.containers[1]",
        "has the name of containers[0], 'main'; each may occur only once",
    ) == (caught.value.path, caught.value.problem)


def test_a_pool_or_claim_that_is_there_twice_is_a_fault() -> None:
    """Its devices would be counted twice."""
    pool, claim = DraPool("gpu.example.com", "n1", 1, ()), ClaimFacts("ml", "a", "u", ())
    twice = {("", "1"): claim, ("", "2"): claim}
    for dra, place in ((Dra((pool, pool)), "dra.pools[1]"), (Dra(claims=twice), "dra.claims[1]")):
        with pytest.raises(DocumentError) as caught:
            decode(encode(Recording("n1", "0.1.0", 1.0, dra=dra)))
        assert place == caught.value.path


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"cpu_millicores": 2**63}, "cpuMillicores"),
        ({"devices": (("a/b", 10**400),)}, 'devices["a/b"]'),
        ({"memory": (("memory", 2**63),)}, 'memoryBytes["memory"]'),
    ],
)
def test_an_amount_that_no_quantity_is_is_a_fault(asked: dict[str, Any], place: str) -> None:
    """JSON has numbers of any length; samples are floats."""
    meta = PodMeta("ml", "a", "u", containers=(ContainerSpec("main", ContainerKind.APP, **asked),))
    recorded = Recording("n1", "0.1.0", 1.0, metadata=Metadata({meta.key: meta}, synced=True, is_up=True))

    with pytest.raises(DocumentError) as caught:
        decode(encode(recorded))

    assert (
        f"metadata.pods[0].metadata.containers[0].{place}",
        "is too large; must be a whole number of at most 9223372036854775807",
    ) == (caught.value.path, caught.value.problem)
