"""Recordings survive writing and reading."""

import json
from dataclasses import replace

import pytest
from document_samples import DRA_POOL, GONE, everything

from podres_exporter.errors import Reason
from podres_exporter.model import ClaimFacts, Core, Dra, DraDevice, DraPool, Metadata, Topology
from podres_exporter.model.dra import ClaimInterface, ClaimResult
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.recording.file import API_VERSION, decode, encode

TOPOLOGY = Topology({0: frozenset({0, 1}), 1: frozenset({2, 3})}, {cpu: Core(cpu // 2, 0) for cpu in range(4)})
REFUSAL = Refusal(Reason.DENIED, "no credentials")


def metadata() -> Metadata:
    """Return metadata that says everything which metadata can say."""
    said = everything().metadata
    assert said is not None
    return said


COUNTERS = ((("gpu-0", "memory"), 80), (("gpu-0", "slices"), 7))
DRA = Dra(
    (GONE, DRA_POOL, DraPool("gpu.example.com", "x", 2, (DraDevice("a", consumes=COUNTERS), DraDevice("b")), COUNTERS)),
    {
        ("ml", "train"): ClaimFacts(
            "ml",
            "train",
            "uid-1",
            (
                ClaimResult("gpu/big", "gpu.example.com", "racks/n1", "gpu-0", "share-1", consumed=(("memory", 5),)),
                ClaimResult("watch", "gpu.example.com", "racks/n1", "gpu-0", is_admin=True),
                ClaimResult("nic", "dra.net", "n1", "eth1", interface=ClaimInterface("net1", "02:00:00:00:00:01")),
            ),
        ),
        ("ml", "none"): ClaimFacts("ml", "none", "uid-2", ()),
    },
    is_synced=True,
    is_up=True,
    last_success_seconds=1_700_000_000.5,
)

WHOLE = Recording(
    node="n1",
    version="0.1.0",
    recorded_at_seconds=1_700_000_000.25,
    calls={
        "List": Call(b"\x00\xff\x0a"),
        "GetAllocatableResources": Call(b""),
        "Get": Call(b"junk", Refusal(Reason.MALFORMED, "no message")),
    },
    socket_age_seconds=12.5,
    topology=TOPOLOGY,
    metadata=metadata(),
    names_hidden=True,
    dra=DRA,
)


@pytest.mark.parametrize(
    "recording",
    [
        WHOLE,
        Recording("n1", "0.1.0", 1.0),
        replace(WHOLE, topology=Refusal(Reason.UNAVAILABLE), metadata=None, metadata_refusal=REFUSAL),
        replace(WHOLE, dra=Dra(reason=Reason.DENIED)),
        replace(WHOLE, metadata=Metadata(is_away=True, reason=Reason.TIMEOUT), metadata_refusal=REFUSAL),
        replace(WHOLE, calls={"List": Call(None, Refusal(Reason.TIMEOUT, "10 s"))}, socket_age_seconds=None),
    ],
    ids=["whole", "empty", "no credentials", "slices refused", "no API server", "no kubelet"],
)
def test_what_is_written_is_read_back_equal(recording: Recording) -> None:
    """By the text of JSON, as a file has it."""
    assert recording == decode(json.loads(json.dumps(encode(recording))))


def test_what_was_not_asked_is_absent() -> None:
    """An absent key means that the source was not read; the list of the kubelet's calls is always present."""
    document = encode(Recording("n1", "0.1.0", 1.0))

    assert API_VERSION == document["apiVersion"]
    assert {"calls": []} == document["kubelet"]
    assert {"topology", "metadata", "dra"}.isdisjoint(document)
