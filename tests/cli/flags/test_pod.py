"""The requests of a pod from flags; each error shows a valid example."""

import argparse
from typing import Any

import pytest

from podres_exporter.cli.flags.pod import ask_of_flags, one_of, options_of_flags
from podres_exporter.fit import KubeletOptions, Policy, ask_for


def flags(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"cpus": None, "memory": None, "hugepages": [], "device": [], **given})


def test_amounts_are_read_as_kubernetes_writes_them() -> None:
    faults: list[str] = []
    ask = ask_of_flags(flags(cpus="500m", memory="1Gi", hugepages=["2Mi=4Mi"], device=["a.com/b=2"]), faults)

    assert [] == faults
    assert ask == ask_for(
        cpu_millicores=500, memory_bytes=1 << 30, hugepage_bytes={"2Mi": 4 << 20}, devices={"a.com/b": 2}
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no requests given"),
        ({"device": ["a.com/b=0"]}, "no requests given"),
        ({"cpus": "many"}, "write for example 4 or 500m"),
        ({"memory": "much"}, "write for example 16Gi"),
        ({"hugepages": ["2Mi"]}, "write for example 2Mi=1Gi"),
        ({"device": ["=2"]}, "'=2' names nothing"),
        ({"device": ["a=1", "a=2"]}, "'a=2' is the second of its name"),
        ({"device": ["a=x"]}, "'x' is not a number of devices"),
        ({"device": ["a=1234567"]}, "is not a number of devices"),
    ],
)
def test_what_cannot_be_read_is_named_with_an_example(given: dict[str, Any], words: str) -> None:
    faults: list[str] = []
    ask_of_flags(flags(**given), faults)

    assert 1 == len(faults)
    assert words in faults[0]


def test_a_choice_is_one_of_its_kind() -> None:
    faults: list[str] = []

    assert Policy.NONE is one_of("--policy", "none", Policy, faults)
    assert one_of("--policy", "best", Policy, faults) is None
    assert ["--policy: 'best' is unknown; choose none, best-effort, restricted, single-numa-node"] == faults


def kubelet(*allocatable: str, full: bool | None = None) -> argparse.Namespace:
    return argparse.Namespace(allocatable=list(allocatable), full_pcpus_only=full)


def test_what_the_kubelet_does_not_tell_is_taken_from_flags() -> None:
    """As `kubectl describe node` shows it."""
    faults: list[str] = []
    options = options_of_flags(kubelet("cpu=7500m", "memory=30Gi", "pods=250", full=True), faults)
    capacities = {"cpu": (7500, 7500), "memory": (30 << 30, 30 << 30), "pods": (250, 250)}

    assert [] == faults
    assert KubeletOptions(full_pcpus_only=True, capacities=capacities) == options
    assert KubeletOptions() == options_of_flags(kubelet(), faults)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["nvidia.com/gpu=2"], "is not one of cpu, memory, pods"),
        (["cpu=1", "cpu=2"], "'cpu=2' is the second of its name"),
        (["cpu=many"], "write for example cpu=7500m"),
        (["pods"], "write for example cpu=7500m"),
    ],
)
def test_an_allocatable_that_is_none_is_named(texts: list[str], words: str) -> None:
    faults: list[str] = []
    options_of_flags(kubelet(*texts), faults)

    assert any(words in fault for fault in faults)
