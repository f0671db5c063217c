"""Requests for DRA devices: decided if slices and claims show how many are left, otherwise unknown."""

from dataclasses import replace

import pytest
from snapshots import one_container

from podres_exporter.fit import Fits, ask_for, fit
from podres_exporter.fit.ask import Ask
from podres_exporter.fit.text import fit_text
from podres_exporter.model import Container, ContainerKind, ContainerSpec, DraNode, DraStock, Snapshot

DRIVER = "gpu.example.com"


def stock(kind: str, total: int, allocated: int = 0, tainted: int = 0, fitting: int | None = None) -> DraStock:
    items = [("n1", f"{kind}-{number}") for number in range(total)]
    rest = items[allocated:]
    left = total - allocated - tainted
    return DraStock(
        DRIVER,
        kind,
        frozenset(items),
        frozenset(items[:allocated]),
        frozenset(rest[:tainted]),
        left if fitting is None else fitting,
    )


def node(*rows: DraStock, is_read: bool = True) -> Snapshot:
    found = one_container(Container("main"))
    assert found.allocation is not None
    return replace(found, allocation=replace(found.allocation, dra=DraNode((), rows) if is_read else None))


def verdict(snapshot: Snapshot, **devices: int) -> Fits:
    names = {"any": DRIVER, "whole": f"{DRIVER} (whole)", "half": f"{DRIVER} (half)", "nic": "nic.example.com"}
    return fit(snapshot, ask_for(devices={names[name]: count for name, count in devices.items()})).fits


def test_a_driver_s_devices_fit_as_far_as_they_are_available() -> None:
    found = node(stock("whole", 4, allocated=1))

    assert [Fits.YES, Fits.NO, Fits.NO] == [verdict(found, whole=count) for count in (3, 4, 9)]
    assert [Fits.YES, Fits.NO] == [verdict(found, any=count) for count in (3, 4)]
    assert Fits.NO is verdict(found, nic=1)


def test_a_claim_may_tolerate_a_taint() -> None:
    found = node(stock("whole", 4, allocated=1, tainted=1))

    assert [Fits.YES, Fits.UNKNOWN, Fits.NO] == [verdict(found, whole=count) for count in (2, 3, 4)]


def test_partitions_of_several_types_exclude_each_other() -> None:
    """One whole or two halves fit; of any three, it depends on what they are."""
    found = node(stock("whole", 2, fitting=1), stock("half", 4, fitting=2))

    assert [Fits.YES, Fits.NO] == [verdict(found, whole=count) for count in (1, 2)]
    assert [Fits.YES, Fits.UNKNOWN, Fits.NO] == [verdict(found, any=count) for count in (2, 3, 4)]


def test_what_is_not_known_is_not_judged() -> None:
    """A claim that could not be read, an API without DRA, and the claims that a pod refers to."""
    unknown = node(replace(stock("whole", 4), is_known=False))
    spec = ContainerSpec("main", ContainerKind.APP, claims=(("gpus", ""),))

    assert [Fits.UNKNOWN] * 2 == [verdict(unknown, whole=1), verdict(node(is_read=False), whole=1)]
    answer = fit(node(stock("whole", 4)), Ask((spec,), is_guaranteed=False))
    assert Fits.UNKNOWN is answer.fits
    assert "the scheduler decides which devices the pod's DRA claims get" in fit_text(answer)[0]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        (1, "yes: anywhere on n1"),
        (3, "no: 3 gpu.example.com requested, 2 in all"),
        (2, "no: 2 gpu.example.com requested, 1 of 2 free"),
    ],
)
def test_the_text_says_how_many_there_are(asked: int, first: str) -> None:
    lines = fit_text(fit(node(stock("whole", 2, allocated=1)), ask_for(devices={DRIVER: asked})))

    assert lines[0].startswith(first)
    assert any("counted from ResourceSlices" in line for line in lines)
