"""DRA claims in the document: what the kubelet lists, and which devices the container uses."""

from typing import Any

from msgspec import to_builtins

from podres_exporter.document.containers import ContainerRecord, read_container, write_container
from podres_exporter.document.faults import read
from podres_exporter.model import (
    Alignment,
    Attribution,
    Claim,
    ClaimDevice,
    ClaimUse,
    Container,
    ContainerView,
    Verdict,
)

ONE = ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ())
TWO = ClaimDevice("gpu.example.com", "n1", "gpu-1", "", ())
OLD = ClaimDevice("", "", "", "", ("example.com/gpu=0", "example.com/gpu=1"))


def viewed(claims: tuple[Claim, ...], *uses: ClaimUse) -> ContainerView:
    return ContainerView(Container("main", claims=claims), Alignment(Verdict.NOT_APPLICABLE), uses)


def read_back(view: ContainerView) -> tuple[tuple[Claim, ...], tuple[ClaimUse, ...]]:
    found = read(to_builtins(write_container(view)), ContainerRecord, read_container)
    return found.container.claims, found.claim_uses


def written(view: ContainerView) -> Any:
    return to_builtins(write_container(view))["claims"]


def test_each_device_says_whether_the_container_uses_it() -> None:
    """The kubelet lists all devices of a claim on each container that refers to it."""
    use = ClaimUse("gpu", ONE, Attribution.CONTAINER)
    view = viewed((Claim("ml", "gpu", (ONE, TWO)),), use)

    device = {"driver": "gpu.example.com", "pool": "n1"}
    assert [
        {
            "namespace": "ml",
            "name": "gpu",
            "devices": [
                {**device, "device": "gpu-0", "attribution": "container"},
                {**device, "device": "gpu-1", "attribution": "none"},
            ],
        }
    ] == written(view)
    assert (view.container.claims, (use,)) == read_back(view)


def test_a_kubelet_that_names_only_cdi_devices_is_shown_as_such() -> None:
    """Releases 1.27 to 1.30."""
    use = ClaimUse("gpu", OLD, Attribution.CLAIM)
    view = viewed((Claim("", "gpu", (OLD,)),), use)

    assert [
        {"name": "gpu", "devices": [{"cdiDevices": ["example.com/gpu=0", "example.com/gpu=1"], "attribution": "claim"}]}
    ] == written(view)
    assert (view.container.claims, (use,)) == read_back(view)


def test_a_claim_that_is_not_prepared_has_no_devices() -> None:
    view = viewed((Claim("ml", "gpu", ()),))

    assert [{"namespace": "ml", "name": "gpu", "devices": []}] == written(view)
    assert (view.container.claims, ()) == read_back(view)


def test_a_claim_listed_under_two_namespaces_is_used_once() -> None:
    """A claim is its pod's, so uses go by its name; their order is that of the names."""
    uses = (
        ClaimUse("gpu", ONE, Attribution.CONTAINER),
        ClaimUse("gpu", TWO, Attribution.CLAIM),
        ClaimUse("nic", ONE, Attribution.CLAIM),
    )
    view = viewed((Claim("ml", "gpu", (ONE,)), Claim("ml", "nic", (ONE,)), Claim("x", "gpu", (ONE, TWO))), *uses)

    assert (view.container.claims, uses) == read_back(view)
