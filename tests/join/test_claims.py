"""Which devices of a claim a container uses, from the kubelet's list and the pod."""

from dataclasses import replace

import pytest
from builders import container, gpu

from podres_exporter.join.claims import claim_uses, device_health
from podres_exporter.model import (
    Attribution,
    Claim,
    ClaimDevice,
    ClaimUse,
    ContainerKind,
    ContainerSpec,
    DeviceHealth,
    PodMeta,
    ResourceHealth,
)

DRIVER, POOL = "gpu.example.com", "worker-1"
A = ClaimDevice(DRIVER, POOL, "gpu-a", "", ("example.com/gpu=a",))
B = ClaimDevice(DRIVER, POOL, "gpu-b", "", ("example.com/gpu=b", "example.com/mem=b"))
C = ClaimDevice(DRIVER, POOL, "gpu-c", "", ())
CLAIM = Claim("ml", "train-dev-x7", (A, B, C))
HOLDER = container("main", claims=[CLAIM])
META = PodMeta("ml", "train", "1", claims=(("dev", CLAIM.name),))


def asking(*claims: tuple[str, str], health: dict[str, str] | None = None) -> ContainerSpec:
    """Return a container with these claims, and a status that names a device for each row."""
    rows = tuple(ResourceHealth(name, device, "Healthy") for name, device in (health or {}).items())
    return ContainerSpec("main", ContainerKind.APP, claims=claims, health=rows)


def uses(spec: ContainerSpec | None, meta: PodMeta | None = META, claim: Claim = CLAIM) -> dict[str, Attribution]:
    """Return the attribution of each device that is shown."""
    shown = claim_uses(container("main", claims=[claim]), spec, meta)
    return {use.device.device: use.attribution for use in shown}


SURE, UNSURE = Attribution.CONTAINER, Attribution.CLAIM


def test_without_metadata_every_device_is_shown_as_the_claim_s() -> None:
    """The kubelet lists all of them on each container; nothing says which one this container uses."""
    assert {"gpu-a": UNSURE, "gpu-b": UNSURE, "gpu-c": UNSURE} == uses(None, None)


def test_a_claim_with_one_device_leaves_no_doubt() -> None:
    """With or without metadata."""
    assert {"gpu-a": SURE} == uses(None, None, replace(CLAIM, devices=(A,)))


def test_one_row_without_a_driver_is_no_device_that_could_be_sure() -> None:
    """Kubelets 1.27 to 1.30 send one row for all devices of a driver."""
    nameless = ClaimDevice("", "", "", "", ("example.com/gpu=a", "example.com/gpu=b"))

    assert {"": UNSURE} == uses(None, None, replace(CLAIM, devices=(nameless,)))


def test_a_container_that_refers_to_the_whole_claim_uses_all_of_it() -> None:
    """`resources.claims[]` without a request."""
    assert {"gpu-a": SURE, "gpu-b": SURE, "gpu-c": SURE} == uses(asking(("dev", "")))


@pytest.mark.parametrize(
    ("resource_id", "device"),
    [
        pytest.param("example.com/gpu=b", "gpu-b", id="the first CDI name"),
        pytest.param(f"{DRIVER}/{POOL}/gpu-b", "gpu-b", id="driver, pool and device"),
        pytest.param(f"{DRIVER}/{POOL}/gpu-c", "gpu-c", id="a device without CDI names"),
    ],
)
def test_the_status_names_the_device_of_a_request_in_either_spelling(resource_id: str, device: str) -> None:
    """Both occur: the API's comment says the triplet, the kubelet prefers the CDI name."""
    assert {device: SURE} == uses(asking(("dev", "one"), health={"claim:dev/one": resource_id}))


def test_a_container_with_two_requests_uses_the_devices_of_both() -> None:
    """Measured on 1.36.3: three containers on one claim, one request each and both."""
    spec = asking(("dev", "a"), ("dev", "b"), health={"claim:dev/a": A.cdi_devices[0], "claim:dev/b": B.cdi_devices[0]})

    assert {"gpu-a": SURE, "gpu-b": SURE} == uses(spec)


def test_while_one_request_has_no_status_the_other_devices_stay_possible() -> None:
    """A driver that has not reported yet; what is known is known."""
    spec = asking(("dev", "a"), ("dev", "b"), health={"claim:dev/a": A.cdi_devices[0]})

    assert {"gpu-a": SURE, "gpu-b": UNSURE, "gpu-c": UNSURE} == uses(spec)


def test_a_status_that_names_an_unknown_device_decides_nothing() -> None:
    """It may be older than the allocation, or have an unknown spelling."""
    spec = asking(("dev", "a"), health={"claim:dev/a": "example.com/gpu=z"})

    assert {"gpu-a": UNSURE, "gpu-b": UNSURE, "gpu-c": UNSURE} == uses(spec)


def test_a_status_of_another_claim_decides_nothing() -> None:
    """Two claims may have equal request names."""
    meta = replace(META, claims=(("dev", CLAIM.name), ("other", "train-other-p1")))
    spec = asking(("dev", "a"), ("other", "a"), health={"claim:other/a": A.cdi_devices[0]})

    assert {"gpu-a": UNSURE, "gpu-b": UNSURE, "gpu-c": UNSURE} == uses(spec, meta)


@pytest.mark.parametrize(
    ("requests", "attribution"),
    [
        pytest.param((("main", "example.com/gpu"),), SURE, id="for this container alone"),
        pytest.param((("main", "example.com/gpu"), ("other", "example.com/gpu")), UNSURE, id="for two containers"),
    ],
)
def test_the_claim_behind_extended_resources_is_its_only_container_s(
    requests: tuple[tuple[str, str], ...], attribution: Attribution
) -> None:
    """KEP-5004: the scheduler makes one claim for the pod, and no status names its devices."""
    meta = replace(META, claims=(), extended_claim=CLAIM.name, extended_requests=requests)

    assert {"gpu-a": attribution, "gpu-b": attribution, "gpu-c": attribution} == uses(asking(), meta)


def test_a_claim_that_is_listed_twice_is_shown_once() -> None:
    """Claims are the pod's: another namespace in an answer is no other claim."""
    twice = container("main", claims=[replace(CLAIM, devices=(A,)), Claim("other", CLAIM.name, (A,))])

    assert (ClaimUse(CLAIM.name, A, SURE),) == claim_uses(twice, None, None)


def test_a_claim_that_is_not_prepared_has_no_uses() -> None:
    """A row with a name and without devices."""
    assert {} == uses(asking(("dev", "")), META, replace(CLAIM, devices=()))


def test_the_health_of_held_devices_is_shown_and_of_others_is_not() -> None:
    """A row for a device that is not held is of another pod of that name, or of a device that vanished."""
    holder = container("main", gpu("GPU-0"))
    rows = (
        ResourceHealth("nvidia.com/gpu", "GPU-0", "Unhealthy"),
        ResourceHealth("nvidia.com/gpu", "GPU-9", "Healthy"),
    )
    spec = ContainerSpec("main", ContainerKind.APP, health=rows)

    assert (DeviceHealth("nvidia.com/gpu", "GPU-0", "", "", "Unhealthy"),) == device_health(holder, spec, META)


def test_the_health_of_a_claim_s_device_bears_its_driver_pool_and_name() -> None:
    """So that it joins with the claim's devices, however the status spells the id."""
    rows = (
        ResourceHealth("claim:dev/a", "example.com/gpu=a", "Healthy"),
        ResourceHealth("claim:dev/b", f"{DRIVER}/{POOL}/gpu-b", "Unknown", "silent"),
    )
    spec = ContainerSpec("main", ContainerKind.APP, health=rows)

    assert (
        DeviceHealth(DRIVER, "gpu-a", POOL, CLAIM.name, "Healthy"),
        DeviceHealth(DRIVER, "gpu-b", POOL, CLAIM.name, "Unknown", "silent"),
    ) == device_health(HOLDER, spec, META)


def test_the_health_of_a_device_that_is_not_listed_keeps_the_kubelet_s_id() -> None:
    """A claim that is prepared again; an unknown id is better than an unreported unhealthy device."""
    spec = ContainerSpec("main", ContainerKind.APP, health=(ResourceHealth("claim:dev", "a.com/b=c", "Unhealthy"),))

    assert (DeviceHealth("", "a.com/b=c", "", CLAIM.name, "Unhealthy"),) == device_health(HOLDER, spec, META)


def test_without_a_status_there_is_no_health() -> None:
    """Kubelets before 1.36, sidecars, and containers without metadata."""
    assert () == device_health(HOLDER, asking(), META)
    assert () == device_health(HOLDER, None, None)


def test_the_claim_that_the_scheduler_made_goes_by_its_own_name() -> None:
    """KEP-5004 and kubernetes #139941: the pod has no name of its own for it."""
    rows = (
        ResourceHealth(f"claim:{CLAIM.name}/container-0-request-0", f"{DRIVER}/{POOL}/gpu-a", "Unhealthy"),
        ResourceHealth("claim:other/container-0-request-0", f"{DRIVER}/{POOL}/gpu-b", "Unhealthy"),
    )
    meta = replace(META, claims=(), extended_claim=CLAIM.name)
    spec = ContainerSpec("main", ContainerKind.APP, health=rows)

    assert (
        DeviceHealth("", f"{DRIVER}/{POOL}/gpu-b", "", "", "Unhealthy"),
        DeviceHealth(DRIVER, "gpu-a", POOL, CLAIM.name, "Unhealthy"),
    ) == device_health(HOLDER, spec, meta)
