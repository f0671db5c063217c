"""The controller of a pod and its top-level workload."""

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
        ("web-6d4cf56db6", {"rollouts-pod-template-hash": "other"}),
    ],
)
def test_any_other_replica_set_stays_what_it_is(name: str, labels: dict[str, str]) -> None:
    """Nothing proves a Deployment or a Rollout behind it."""
    assert ("ReplicaSet", name) == workload_of(owner("ReplicaSet", name), labels)


@pytest.mark.parametrize(
    ("kind", "name", "api_version", "labels", "workload"),
    [
        ("ReplicaSet", "shop-7f9", "apps/v1", {"rollouts-pod-template-hash": "7f9"}, ("Rollout", "shop")),
        ("ReplicationController", "api-12", "v1", {"deploymentconfig": "api"}, ("DeploymentConfig", "api")),
        ("Job", "train-workers-0", "batch/v1", {"jobset.sigs.k8s.io/jobset-name": "train"}, ("JobSet", "train")),
        ("Workflow", "nightly-1764370800", "argoproj.io/v1alpha1", {}, ("CronWorkflow", "nightly")),
        ("StatefulSet", "llm-0", "apps/v1", {"leaderworkerset.sigs.k8s.io/name": "llm"}, ("LeaderWorkerSet", "llm")),
        (
            "RayCluster",
            "tune-x7k2p",
            "ray.io/v1",
            {"ray.io/originated-from-crd": "RayJob", "ray.io/originated-from-cr-name": "tune"},
            ("RayJob", "tune"),
        ),
        ("Pod", "pi-driver", "v1", {"sparkoperator.k8s.io/app-name": "pi"}, ("SparkApplication", "pi")),
        ("TaskRun", "build-r9", "tekton.dev/v1", {"tekton.dev/task": "build"}, ("Task", "build")),
        (
            "TaskRun",
            "build-r9",
            "tekton.dev/v1",
            {"tekton.dev/task": "build", "tekton.dev/pipeline": "ci"},
            ("Pipeline", "ci"),
        ),
    ],
)
def test_workloads_of_other_controllers(
    kind: str, name: str, api_version: str, labels: dict[str, str], workload: tuple[str, str]
) -> None:
    """What is recreated with each revision or run stands for what makes it."""
    assert workload == workload_of(owner(kind, name, api_version), labels)


@pytest.mark.parametrize(
    ("kind", "name", "api_version", "labels"),
    [
        ("ReplicationController", "api-12", "v1", {}),
        ("ReplicationController", "api-12", "v1", {"deploymentconfig": "other"}),
        ("ReplicationController", "api-v2", "v1", {"deploymentconfig": "api"}),
        ("RayCluster", "tune", "ray.io/v1", {"ray.io/originated-from-cr-name": "tune"}),
        ("Workflow", "nightly-29384756", "argoproj.io/v1alpha1", {}),
        ("ReplicaSet", "shop-7f9", "kruise.io/v1", {"rollouts-pod-template-hash": "7f9"}),
    ],
)
def test_what_no_rule_proves_stays_the_controller(
    kind: str, name: str, api_version: str, labels: dict[str, str]
) -> None:
    """A label or a name that only looks alike is no proof."""
    assert (kind, name) == workload_of(owner(kind, name, api_version), labels)


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
