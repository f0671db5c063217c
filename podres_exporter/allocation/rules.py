"""
The rules of belief, as one table: what a pod's standing means, and what ends it.

    standing   the pod                            shown               what it holds is        asked for by Get
    --------   --------------------------------   -----------------   ---------------------   ----------------------
    CURRENT    the running kubelet has said it    yes                 held                    on news, and in turn
    RETAINED   an earlier kubelet said it         marked, to          held; then unknown      once the kubelet has
                                                  max-age                                     its pods
               none has; it ran when this one     named as unlisted   unknown: what it asks   at once
               started                                                for
    AWAITED    none has; it has started since     named as unlisted   the same, after one     after one poll
                                                                      poll interval           interval

The kubelet's word makes a pod current from any standing, and nothing else does. `rule_for` has all that ends one, each
pod by itself, so that no pod's coming and going delays another. A pod that followed metadata says runs and that a rule
has ended is *given up*: named, and nothing is held for it, until another kubelet starts.
"""

from enum import Enum, StrEnum


class Standing(Enum):
    """Whether the running kubelet has said a pod; see above."""

    CURRENT = "current"
    RETAINED = "retained"
    AWAITED = "awaited"


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
    DROPPED = "dropped"
    REFUSED = "refused"
    MISSING = "missing"


LACKED = 3
"""A List without a pod denies it more surely than the two `not_found` to Get that it takes."""

RUNS_FACTOR = 10
"""How many times the hold-down a missing pod is waited for that followed metadata says runs."""


def rule_for(
    standing: Standing, instance: Instance, denials: int, missing_seconds: float | None, hold_down: float
) -> Rule | None:
    """
    Return the first rule that fits a pod; None: it stays.

    *denials*: how often the kubelet has denied it. *missing_seconds*: for how long it could have said the pod and has
    not; None while no clock runs, for the kubelet has not had its API server's pods (module witness).
    """
    is_current, wait = standing is Standing.CURRENT, hold_down * (RUNS_FACTOR if instance is Instance.RUNS else 1)
    table = (
        # A deletionTimestamp is no end, nor is the deletion of a mirror pod that of its static pod.
        (Rule.TOLD, instance is Instance.DELETED),
        # One that the running kubelet says is shown as finished: kubelets up to 1.33 list finished pods.
        (Rule.TOLD, instance is Instance.FINISHED and standing is Standing.RETAINED),
        # The kubelet may have the new pod of the name already, so it is asked first.
        (Rule.TOLD, instance is Instance.REPLACED and denials >= 1),
        # The kubelet that has said a pod, or was there when it started, is the authority; a later one may not know yet.
        (Rule.DROPPED, is_current and denials >= LACKED),
        (Rule.REFUSED, is_current and denials >= 2),
        (Rule.REFUSED, standing is Standing.AWAITED and denials >= 1),
        (Rule.MISSING, standing is Standing.RETAINED and missing_seconds is not None and missing_seconds >= wait),
    )
    for rule, applies in table:
        if applies:
            return rule
    return None
