"""Names in recordings are replaced consistently; other texts are kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.model import (
    NO_INTERFACE,
    ClaimFacts,
    ClaimInterface,
    ClaimResult,
    ContainerKind,
    ContainerSpec,
    Dra,
    Metadata,
    PodMeta,
    ResourceHealth,
)
from podres_exporter.recording import Pseudonyms

KEY = b"0" * 32
NAMES = Pseudonyms(KEY)


def test_the_same_name_has_the_same_pseudonym_and_another_key_another_one() -> None:
    """What was equal stays equal within a recording, and two recordings cannot be compared."""
    assert NAMES.name("train") == NAMES.name("train")
    assert NAMES.name("train") != NAMES.name("train-0")
    assert NAMES.name("train") != Pseudonyms(b"1" * 32).name("train")
    assert re.fullmatch("[0-9a-f]{12}", NAMES.name("train"))


@pytest.mark.parametrize("text", ["", "default", "kube-system", "kube-public", "kube-node-lease"])
def test_names_that_every_cluster_has_stay(text: str) -> None:
    """They tell nothing, and help the reader."""
    assert text == NAMES.name(text)


@pytest.mark.parametrize(
    ("device", "pattern"),
    [
        ("GPU-7f3c", "GPU-[0-9a-f]{12}"),
        ("MIG-7f3c", "MIG-[0-9a-f]{12}"),
        ("MIG-GPU-7f3c/1/0", "MIG-GPU-[0-9a-f]{12}"),
        ("GPU-7f3c::3", "GPU-[0-9a-f]{12}::3"),
        ("GPU-7f3c/vgpu2", "GPU-[0-9a-f]{12}/vgpu2"),
        ("0000:3b:02.1", "[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f].1"),
        ("0000:3B:02.1::0", "[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f].1::0"),
        ("nvidia0", "[0-9a-f]{12}"),
        ("GPU-", "GPU-[0-9a-f]{12}"),
    ],
)
def test_device_ids_keep_their_shape(device: str, pattern: str) -> None:
    """A replica, the prefix of a UUID and the function of a PCI address still show."""
    hidden = NAMES.device(device)

    assert re.fullmatch(pattern, hidden)
    assert "7f3c" not in hidden
    assert "3b:02" not in hidden


@pytest.mark.parametrize(
    ("one", "other"), [("GPU-7f3c::0", "GPU-7f3c::1"), ("GPU-7f3c/vgpu0", "GPU-7f3c"), ("0000:3b:02.0", "0000:3B:02.7")]
)
def test_what_shares_a_physical_device_still_does(one: str, other: str) -> None:
    """Shares of one GPU, and functions of one PCI device."""
    base = re.compile(r"::[0-9]+$|/vgpu[0-9]+$|\.[0-7]$")

    assert base.sub("", NAMES.device(one)) == base.sub("", NAMES.device(other))


@given(st.text(max_size=30))
def test_any_text_has_a_pseudonym(text: str) -> None:
    """Device ids are whatever a plugin says."""
    assert NAMES.device(text) == NAMES.device(text)
    assert NAMES.cdi(text) == NAMES.cdi(text)


def test_a_cdi_name_keeps_vendor_and_class() -> None:
    """They are the driver's; what comes after is a device."""
    assert f"example.com/gpu={NAMES.name('gpu-0')}" == NAMES.cdi("example.com/gpu=gpu-0")


META = PodMeta(
    "ml",
    "train-0",
    "uid-1",
    phase="Failed",
    reason="Evicted",
    message="The node train-0 was low on resource",
    priority_class="gold",
    owner_kind="StatefulSet",
    owner_name="train",
    workload_kind="StatefulSet",
    workload_name="train",
    labels=(("app", "secret"),),
    claims=(("gpus", "train-0-gpus"),),
    extended_claim="train-0-ext",
    extended_requests=(("main", "nvidia.com/gpu"),),
    containers=(
        ContainerSpec(
            "main",
            ContainerKind.APP,
            devices=(("nvidia.com/gpu", 1),),
            claims=(("gpus", "first"),),
            health=(
                ResourceHealth("nvidia.com/gpu", "GPU-7f3c::1", "Unhealthy", "on board of train-0"),
                ResourceHealth("claim:gpus", "gpu.example.com/pool/a/gpu-0", "Healthy"),
                ResourceHealth("claim:gpus/first", "example.com/gpu=gpu-0", "Healthy"),
                ResourceHealth("claim:gpus", "odd", "Unknown"),
            ),
        ),
    ),
)


def test_metadata_is_hidden_as_the_kubelets_answers_are() -> None:
    """Names as everywhere, so that both still join; label keys, kinds, reasons, resources and amounts stay."""
    (hidden,) = NAMES.metadata(Metadata({META.key: META}, synced=True)).pods.values()
    name = NAMES.name

    assert (name("ml"), name("train-0"), name("uid-1")) == (*hidden.key, hidden.uid)
    assert ("Failed", "Evicted", "", name("gold")) == (
        hidden.phase,
        hidden.reason,
        hidden.message,
        hidden.priority_class,
    )
    assert ("StatefulSet", name("train")) == (hidden.owner_kind, hidden.owner_name)
    assert ("StatefulSet", name("train")) == (hidden.workload_kind, hidden.workload_name)
    assert (("app", name("secret")),) == hidden.labels
    assert ((name("gpus"), name("train-0-gpus")),) == hidden.claims
    assert name("train-0-ext") == hidden.extended_claim
    assert ((name("main"), "nvidia.com/gpu"),) == hidden.extended_requests
    (spec,) = hidden.containers
    assert (name("main"), (("nvidia.com/gpu", 1),)) == (spec.name, spec.devices)
    assert ((name("gpus"), name("first")),) == spec.claims
    assert (
        ResourceHealth("nvidia.com/gpu", NAMES.device("GPU-7f3c::1"), "Unhealthy"),
        ResourceHealth(f"claim:{name('gpus')}", f"gpu.example.com/{name('pool/a')}/{name('gpu-0')}", "Healthy"),
        ResourceHealth(f"claim:{name('gpus')}/{name('first')}", NAMES.cdi("example.com/gpu=gpu-0"), "Healthy"),
        ResourceHealth(f"claim:{name('gpus')}", name("odd"), "Unknown"),
    ) == spec.health


@pytest.mark.parametrize("priority", ["", "system-node-critical", "system-cluster-critical"])
def test_priority_classes_that_every_cluster_has_stay(priority: str) -> None:
    """They explain why a pod was not evicted."""
    (hidden,) = NAMES.metadata(Metadata({("a", "b"): PodMeta("a", "b", "u", priority_class=priority)})).pods.values()

    assert priority == hidden.priority_class


def test_a_network_interface_of_a_claim_is_hidden() -> None:
    """A hardware address identifies a machine as a name does; what a driver has not stated stays empty."""
    interface = ClaimInterface("net1", "02:42:ac:11:00:02")
    results = (
        ClaimResult("r", "dra.net", "n1", "eth1", interface=interface),
        ClaimResult("r", "dra.net", "n1", "eth2"),
    )
    hidden = NAMES.dra(Dra((), {("ml", "c"): ClaimFacts("ml", "c", "u", results)}))
    (claim,) = hidden.claims.values()

    expected = ClaimInterface(NAMES.name("net1"), NAMES.name("02:42:ac:11:00:02"))
    assert [expected, NO_INTERFACE] == [each.interface for each in claim.results]
