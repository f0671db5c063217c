"""
The rules of belief, as one table: what a pod's standing means, and what ends it.

    standing   the pod                           shown              what it holds is           asked for by Get
    --------   -------------------------------   ----------------   ------------------------   ---------------------
    current    the running kubelet has said it   yes                held                       on news, and in turn
    retained   an earlier kubelet said it        marked, to         held; then unknown         once the kubelet has
                                                 max-age                                       its pods
    unlisted   no kubelet has said it, and       named as such      unknown: what it asks      on news, and as soon
               followed metadata says that it                       for; at once if it ran     as that is unknown
               runs                                                 before this kubelet or
                                                                    the metadata was heard,
                                                                    else after one interval

The kubelet's word makes a pod current from any standing, and nothing else does. `rule_for` has all that ends one, each
pod by itself, so that no pod's coming and going delays another. A pod that followed metadata says runs and that a rule
has ended is *given up*: named, and nothing is held for it, until another kubelet starts.
"""

from enum import Enum, StrEnum


class Instance(Enum):
    """What followed metadata says of the very instance that is believed; UNKNOWN: nothing, or that it is to run."""

    UNKNOWN = "unknown"
    UNSEEN = "never seen"
    RUNS = "runs"
    FINISHED = "finished"
    REPLACED = "another has its name"
    DELETED = "deleted"


class Rule(StrEnum):
    """Why a pod has ended."""

    TOLD = "told"
    DENIED = "denied"
    MISSING = "missing"


ENOUGH = 2
"""So many `not_found` to Get, or one List without the pod, are the kubelet's word that it does not have it."""

RUNS_FACTOR = 10
"""How many times the hold-down a missing pod is waited for that followed metadata says runs."""


def rule_for(
    instance: Instance, denials: int, missing_seconds: float | None, hold_down: float, *, is_from_before: bool
) -> Rule | None:
    """
    Return the first rule that fits a pod; None: it stays.

    *denials*: how often the kubelet has denied it. *missing_seconds*: for how long it could have said the pod and has
    not; None while no clock runs, for the kubelet has not had its API server's pods (module witness). *is_from_before*:
    the running kubelet neither has said it nor was there when it started.
    """
    wait = hold_down * (RUNS_FACTOR if instance is Instance.RUNS else 1)
    table = (
        # A deletionTimestamp is no end, nor is the deletion of a mirror pod that of its static pod.
        (Rule.TOLD, instance is Instance.DELETED),
        # One that the running kubelet says is shown as finished: kubelets up to 1.33 list finished pods.
        (Rule.TOLD, instance is Instance.FINISHED and is_from_before),
        # The kubelet may have the new pod of the name already, so it is asked first.
        (Rule.TOLD, instance is Instance.REPLACED and denials >= 1),
        # A kubelet that was there is the authority; a later one may not know yet.
        (Rule.DENIED, denials >= ENOUGH and not is_from_before),
        (Rule.MISSING, is_from_before and missing_seconds is not None and missing_seconds >= wait),
    )
    return next((rule for rule, applies in table if applies), None)
