"""Who controls a pod, and what a person would call the workload that it belongs to."""

import re
from collections.abc import Iterable, Mapping

from podres_exporter.podmeta.records import OwnerReference

_SCHEDULED = re.compile(r"(?P<name>.+)-(?:(?:2[6-9]|[3-9][0-9])[0-9]{6}|1[4-9][0-9]{8})")
"""
A name and a time of the years in which there are CronJobs: minutes since 1970 (8 digits, from 26 million: 2019), up to
1.20 seconds (10 digits). Dates such as 20261120 are below that.
"""


def controller_of(owners: Iterable[OwnerReference]) -> OwnerReference | None:
    """Return the owner that controls the pod; None for a pod that somebody made by hand."""
    return next((owner for owner in owners if owner.controller), None)


def workload_of(owner: OwnerReference | None, labels: Mapping[str, str]) -> tuple[str, str]:
    """
    Return kind and name of the workload: the Deployment of a ReplicaSet, the CronJob of a Job, else the controller.

    Both are empty where nothing controls the pod, and for a static pod, which a Node owns.

    The API server is not asked, so names must tell. A Deployment's ReplicaSet is named after the pod's own label
    `pod-template-hash`: that is certain. A CronJob's Job ends in its scheduled time: a Job that somebody named
    `report-29384756`, or after a day as in `report-31122026`, looks the same and is taken for one of a CronJob
    `report`; a Job made by hand from a CronJob (`kubectl create job --from`) has a name of its own and stays a Job.

    Source: deployment controller, getNewReplicaSet; cronjob controller, getJobName.
    """
    if owner is None or owner.kind == "Node":
        return ("", "")
    group = owner.api_version.partition("/")[0]
    template_hash = labels.get("pod-template-hash")
    if owner.kind == "ReplicaSet" and group in ("apps", "extensions") and template_hash:
        deployment = owner.name.removesuffix(f"-{template_hash}")
        if deployment not in ("", owner.name):
            return ("Deployment", deployment)
    if owner.kind == "Job" and group == "batch" and (match := _SCHEDULED.fullmatch(owner.name)):
        return ("CronJob", match["name"])
    return (owner.kind, owner.name)
