# ruff: noqa: E501 - sample lines are as long as they are
"""Metrics of pods: identity and requests."""

from dataclasses import replace

from pages import sample_lines, wanted
from snapshots import holding

from podres_exporter.families.pods import FAMILIES
from podres_exporter.model import Allocation, Container, CpuStock, Explanation, Pod, PodMeta, PodView, Request, Snapshot

POD = Pod("ml", "train-0", (Container("main"),))
META = PodMeta(
    "ml",
    "train-0",
    "5f9c",
    qos_class="Guaranteed",
    priority_class="high",
    owner_kind="ReplicaSet",
    owner_name="train-7d9",
    workload_kind="Deployment",
    workload_name="train",
    labels=(("app", 'say "hi"'), ("team", "a\\b")),
)
EVERYTHING = tuple(family.name for family in FAMILIES)


def shown(view: PodView, *names: str) -> str:
    snapshot = Snapshot("n1", Allocation((view,), (), CpuStock(None, frozenset()), (), None))
    return sample_lines(snapshot, *(names or EVERYTHING))


def test_a_pod_has_one_info_and_its_labels() -> None:
    """One series per pod, so that a join on namespace and pod is never ambiguous; also where it holds nothing."""
    assert wanted(
        r"""
            podres_pod_info{namespace="ml",pod="train-0",uid="5f9c",qos_class="Guaranteed",priority_class="high",owner_kind="ReplicaSet",owner_name="train-7d9",workload_kind="Deployment",workload_name="train"} 1
            podres_pod_labels{namespace="ml",pod="train-0",label_app="say \"hi\"",label_team="a\\b"} 1
            """
    ) == shown(PodView(POD, (), META))


def test_a_pod_whose_labels_are_not_allowed_has_none() -> None:
    """Nothing is shown by default, as with kube-state-metrics."""
    assert "\n" == shown(PodView(POD, (), replace(META, labels=())), "podres_pod_labels")


def test_a_pod_that_the_api_server_does_not_know_has_neither() -> None:
    """Empty labels would look like knowledge."""
    assert sample_lines(holding(POD), *EVERYTHING) == "\n"


def test_what_is_missing_stands_beside_what_was_requested() -> None:
    """With the explanation that tells an alert from a fact of life."""
    view = PodView(
        POD,
        (),
        META,
        (
            Request("init", "nvidia.com/gpu", 1, 0, Explanation.INIT_CONTAINER),
            Request("main", "nvidia.com/gpu", 8, 6),
            Request("main", "cpu", 4, 0),
            Request("side", "cpu", 2, 2),
        ),
    )

    assert wanted(
        """
            podres_container_requested_devices{namespace="ml",pod="train-0",container="init",resource="nvidia.com/gpu"} 1
            podres_container_requested_devices{namespace="ml",pod="train-0",container="main",resource="nvidia.com/gpu"} 8
            podres_container_missing_devices{namespace="ml",pod="train-0",container="init",resource="nvidia.com/gpu",explanation="init_container"} 1
            podres_container_missing_devices{namespace="ml",pod="train-0",container="main",resource="nvidia.com/gpu",explanation="unexplained"} 2
            podres_container_requested_exclusive_cpus{namespace="ml",pod="train-0",container="main"} 4
            podres_container_requested_exclusive_cpus{namespace="ml",pod="train-0",container="side"} 2
            podres_container_missing_exclusive_cpus{namespace="ml",pod="train-0",container="main",explanation="unexplained"} 4
            """
    ) == shown(view, *(name for name in EVERYTHING if "container" in name))
