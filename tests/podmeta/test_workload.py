"""Who controls a pod, and the workload that a person would name."""

import pytest

from podres_exporter.podmeta.records import OwnerReference
from podres_exporter.podmeta.workload import controller_of, workload_of


def owner(kind: str, name: str, api_version: str = "apps/v1", *, controller: bool | None = True) -> OwnerReference:
    return OwnerReference(kind=kind, name=name, api_version=api_version, controller=controller)


def test_the_controller_is_the_owner_that_says_so() -> None:
    """A pod may have owners that only tie its life to theirs; one at most controls it (metav1.OwnerReference)."""
    config, job = owner("ConfigMap", "c", "v1", controller=None), owner("Job", "j", "batch/v1")

    assert job == controller_of([config, owner("Pod", "p", "v1", controller=False), job])
    assert controller_of([config]) is None
    assert controller_of([]) is None


def test_a_replica_set_named_after_the_template_hash_is_a_deployments() -> None:
    """The deployment controller names it so, and puts the hash on the pods."""
    replicas = owner("ReplicaSet", "web-api-6d4cf56db6")

    assert ("Deployment", "web-api") == workload_of(replicas, {"pod-template-hash": "6d4cf56db6"})


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("web-6d4cf56db6", {}),
        ("web-6d4cf56db6", {"pod-template-hash": ""}),
        ("web-6d4cf56db6", {"pod-template-hash": "other"}),
        ("web6d4cf56db6", {"pod-template-hash": "6d4cf56db6"}),
        ("-6d4cf56db6", {"pod-template-hash": "6d4cf56db6"}),
        ("web-6d4cf56db6", {"rollouts-pod-template-hash": "6d4cf56db6"}),
    ],
)
def test_any_other_replica_set_stays_what_it_is(name: str, labels: dict[str, str]) -> None:
    """Nothing proves a Deployment behind it; an Argo Rollout has a label of its own."""
    assert ("ReplicaSet", name) == workload_of(owner("ReplicaSet", name), labels)


@pytest.mark.parametrize("name", ["backup-29384756", "backup-26000000", "backup-1600000000"])
def test_a_job_named_after_its_time_is_a_cron_jobs(name: str) -> None:
    """Minutes since 1970, and up to 1.20 seconds (cronjob controller, getJobName)."""
    assert ("CronJob", "backup") == workload_of(owner("Job", name, "batch/v1"), {})


@pytest.mark.parametrize(
    "name",
    ["backup", "backup-7", "backup-1234567", "backup-20261120", "backup-123456789", "backup-9999999999", "29384756"],
)
def test_any_other_job_stays_what_it_is(name: str) -> None:
    """A counter, a date (below any minute that CronJobs have seen), and a bare number are no scheduled times."""
    assert ("Job", name) == workload_of(owner("Job", name, "batch/v1"), {})


@pytest.mark.parametrize(
    ("kind", "name", "api_version"),
    [
        ("Job", "train-29384756", "batch.volcano.sh/v1alpha1"),
        ("ReplicaSet", "web-abc", "example.com/v1"),
        ("StatefulSet", "db", "apps/v1"),
        ("DaemonSet", "agent", "apps/v1"),
        ("RayCluster", "ray", "ray.io/v1"),
    ],
)
def test_other_controllers_are_the_workload_themselves(kind: str, name: str, api_version: str) -> None:
    """A Job of another API group is not Kubernetes' own."""
    assert (kind, name) == workload_of(owner(kind, name, api_version), {"pod-template-hash": "abc"})


def test_bare_and_static_pods_have_no_workload() -> None:
    """A mirror pod is owned by its Node, which is no workload."""
    assert ("", "") == workload_of(None, {"pod-template-hash": "abc"})
    assert ("", "") == workload_of(owner("Node", "n1", "v1"), {})
