"""Find the controller of a pod and its top-level workload, by a table of rules on owner kind, label and name."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.podmeta.records import OwnerReference

Labels = Mapping[str, str]
NameRule = Callable[[str, Labels], str]
"""Computes the workload's name from the owner's name and the pod's labels; empty if the rule does not match."""

_MINUTES_OR_SECONDS = re.compile(r"(?P<name>.+)-(?:(?:2[6-9]|[3-9][0-9])[0-9]{6}|1[4-9][0-9]{8})")
"""
A name followed by a scheduled time in the years since CronJobs exist: minutes since 1970 (8 digits, from 26 million:
2019), up to 1.20 seconds (10 digits). Dates such as 20261120 are smaller numbers.
"""
_SECONDS = re.compile(r"(?P<name>.+)-1[4-9][0-9]{8}")


@dataclass(frozen=True, slots=True)
class Rule:
    """
    An owner of *kind*, of one of the API *groups*, stands for a workload of kind *workload* if *name* returns one.
    """

    kind: str
    groups: tuple[str, ...]
    workload: str
    name: NameRule


def _named_after(label: str) -> NameRule:
    """Return the rule that the owner is named NAME-HASH, with HASH in this label of the pod: certain."""

    def name(owner: str, labels: Labels) -> str:
        tail = labels.get(label, "")
        return owner.removesuffix(f"-{tail}") if tail and owner.endswith(f"-{tail}") else ""

    return name


def _labelled(label: str, where: Labels | None = None) -> NameRule:
    """Return the rule that this label of the pod has the workload's name, if the labels *where* have these values."""

    def name(_owner: str, labels: Labels) -> str:
        matches = all(labels.get(key) == value for key, value in (where or {}).items())
        return labels.get(label, "") if matches else ""

    return name


def _numbered(label: str) -> NameRule:
    """Return the rule that the owner is named NAME-NUMBER, with NAME in this label of the pod."""

    def name(owner: str, labels: Labels) -> str:
        head, _, number = owner.rpartition("-")
        return head if number.isdecimal() and head == labels.get(label) else ""

    return name


def _timed(pattern: re.Pattern[str]) -> NameRule:
    """
    Return the rule that the owner's name ends in its scheduled time.

    Jobs are not read, so the name must decide: a Job that a user named `report-29384756` looks the same; one created by
    hand from a CronJob (`kubectl create job --from`) has another name and stays a Job.
    """

    def name(owner: str, _labels: Labels) -> str:
        match = pattern.fullmatch(owner)
        return match["name"] if match else ""

    return name


RULES = (
    # deployment controller, getNewReplicaSet
    Rule("ReplicaSet", ("apps", "extensions"), "Deployment", _named_after("pod-template-hash")),
    # Argo Rollouts, DefaultRolloutUniqueLabelKey
    Rule("ReplicaSet", ("apps",), "Rollout", _named_after("rollouts-pod-template-hash")),
    # OpenShift, DeploymentConfigLabel (library-go appsutil, MakeDeployment)
    Rule("ReplicationController", ("",), "DeploymentConfig", _numbered("deploymentconfig")),
    # JobSet before CronJob: its label is certain, a name is not
    Rule("Job", ("batch",), "JobSet", _labelled("jobset.sigs.k8s.io/jobset-name")),
    # cronjob controller, getJobName
    Rule("Job", ("batch",), "CronJob", _timed(_MINUTES_OR_SECONDS)),
    # Argo Workflows, CronWorkflow: getChildWorkflowName
    Rule("Workflow", ("argoproj.io",), "CronWorkflow", _timed(_SECONDS)),
    # LeaderWorkerSet, SetNameLabelKey
    Rule("StatefulSet", ("apps",), "LeaderWorkerSet", _labelled("leaderworkerset.sigs.k8s.io/name")),
    # KubeRay, RayOriginatedFromCRDLabelKey
    Rule(
        "RayCluster",
        ("ray.io",),
        "RayJob",
        _labelled("ray.io/originated-from-cr-name", {"ray.io/originated-from-crd": "RayJob"}),
    ),
    Rule(
        "RayCluster",
        ("ray.io",),
        "RayService",
        _labelled("ray.io/originated-from-cr-name", {"ray.io/originated-from-crd": "RayService"}),
    ),
    # Spark operator: executors are owned by their driver's pod
    Rule("Pod", ("",), "SparkApplication", _labelled("sparkoperator.k8s.io/app-name")),
    # Tekton: a new TaskRun is created for each run
    Rule("TaskRun", ("tekton.dev",), "Pipeline", _labelled("tekton.dev/pipeline")),
    Rule("TaskRun", ("tekton.dev",), "Task", _labelled("tekton.dev/task")),
)
"""First match wins. To add a controller whose owner objects change with every revision or run, add a row."""


def controller_of(owners: Iterable[OwnerReference]) -> OwnerReference | None:
    """Return the owner that controls the pod; None for a pod that was created directly."""
    return next((owner for owner in owners if owner.controller), None)


def workload_of(owner: OwnerReference | None, labels: Labels) -> tuple[str, str]:
    """
    Return kind and name of the workload: what stays the same across revisions and runs, by RULES, else the controller.

    Both are empty if the pod has no controller, and for a static pod, which is owned by a Node.
    """
    if owner is None or owner.kind == "Node":
        return ("", "")
    group = owner.api_version.rpartition("/")[0]
    for rule in RULES:
        if rule.kind == owner.kind and group in rule.groups and (name := rule.name(owner.name, labels)):
            return (rule.workload, name)
    return (owner.kind, owner.name)
