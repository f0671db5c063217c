"""Hardware advertised under two resource names."""

import pytest
from builders import allocatable, container, device, listing, pod

from podres_exporter.join import Joiner
from podres_exporter.join.hardware import twins

UUID = "1cb8edae-82f3-6a6f-1c76-0123456789ab"


def found(held: tuple[str, str], free: tuple[str, str]) -> list[tuple[str, str]]:
    """Return (free as, held as) for one held and one free device, by (resource, id)."""
    here = listing(pod("a", container("main", device(*held, 0))))
    allocation = Joiner().join(here, allocatable(device(*held, 0), device(*free, 0)), None)
    return [(each.resource, each.held_as) for each in twins(allocation)]


@pytest.mark.parametrize(
    ("held_id", "free_id"),
    [
        pytest.param("0000:00:06.0", "0000:00:06.0", id="a PCI address"),
        pytest.param("06:00.1", "06:00.1", id="without its domain"),
        pytest.param(f"GPU-{UUID}", f"GPU-{UUID}", id="a UUID"),
        pytest.param("16:5f:e4:4f:a7:28", "16:5f:e4:4f:a7:28", id="a MAC address"),
        pytest.param(f"GPU-{UUID}", f"GPU-{UUID}::3", id="a share of a whole device that is held"),
        pytest.param(f"GPU-{UUID}-1", f"GPU-{UUID}", id="a whole device of which a share is held"),
    ],
)
def test_hardware_that_is_held_under_another_name_is_found(held_id: str, free_id: str) -> None:
    assert [("b/right", "a/left")] == found(("a/left", held_id), ("b/right", free_id))


@pytest.mark.parametrize(
    ("held_id", "free_id"),
    [
        pytest.param("1", "1", id="a counter"),
        pytest.param("kvm0", "kvm0", id="a counter with a name"),
        pytest.param("0000:00:06.0", "0000:00:06.1", id="another function"),
        pytest.param(f"GPU-{UUID}-1", f"GPU-{UUID}-7", id="shares under two names are meant so"),
        pytest.param("45", "45", id="an IOMMU group"),
    ],
)
def test_what_is_no_hardware_or_not_the_same_is_not_compared(held_id: str, free_id: str) -> None:
    assert [] == found(("a/left", held_id), ("b/right", free_id))


def test_the_same_name_is_no_other() -> None:
    assert [] == found(("a/left", f"GPU-{UUID}-1"), ("a/left", f"GPU-{UUID}"))
