"""Incomplete answers of a kubelet that has just restarted; their gRPC status is OK."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from podres_exporter.scenario import KubeletSettings, NodeState
from podres_exporter.sim.podresources.answers import Answers, StateAnswers

EMPTY_SHARE = 1 / 3
"""Part of the time after a restart without any pod of the API server; in the rest they come, the oldest first."""


def without_pods(state: NodeState) -> NodeState:
    """Return the state before the kubelet has heard of its pods, static ones included."""
    return replace(state, pods=())


def with_oldest_pods(state: NodeState, share: float) -> NodeState:
    """
    Return the state after this share (0 to 1) of the API server's pods has been added, the oldest first.

    Static pods are all there: they do not wait for the API server. Source: kubelet.go HandlePodAdditions.
    """
    others = [key for key in state.by_age or tuple(pod.key for pod in state.pods) if key not in state.static]
    known = state.static | set(others[: int(len(others) * share)])
    return replace(state, pods=tuple(pod for pod in state.pods if pod.key in known))


def without_plugins(state: NodeState) -> NodeState:
    """Return the state before any device plugin has registered again: no device is allocatable, healthy or not."""
    return replace(state, allocatable=replace(state.allocatable, devices=()), unhealthy=())


def incomplete(state: NodeState, share: float) -> NodeState:
    """Return the kubelet's answer after *share* (0 to 1) of its restart time."""
    return with_oldest_pods(state, max(0.0, (share - EMPTY_SHARE) / (1 - EMPTY_SHARE)))


def answers_after_restart(settings: KubeletSettings, state: NodeState, random: Random) -> list[Answers]:
    """
    Return the first answers, step by step, for `SimKubelet.restart`: no pods, the oldest two thirds, all.

    No plugin has registered throughout.

    Source: kubelet serves before its pod sources are ready (ListenAndServePodResources); kubernetes #102552, #137919;
    observed on 1.36: OK and empty, then 14 of 20 pods, all of them about a second after the first answer.
    """
    bare = without_plugins(state)
    steps = (without_pods(bare), with_oldest_pods(bare, 2 / 3), bare)
    return [StateAnswers(settings, _always(step), random) for step in steps]


def _always(state: NodeState) -> Callable[[], NodeState]:
    return lambda: state
