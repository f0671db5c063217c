"""What a kubelet says right after its restart: too little, and it says so with status OK."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from podres_exporter.scenario import KubeletSettings, NodeState
from podres_exporter.sim.answers import Answers, StateAnswers

EMPTY_SHARE = 1 / 3
"""Part of the window in which there are no pods at all; in the rest some are missing."""


def without_pods(state: NodeState) -> NodeState:
    """Return the state before the kubelet has heard of its pods."""
    return replace(state, pods=())


def with_some_pods(state: NodeState) -> NodeState:
    """Return the state in the middle of the kubelet's first sync: about two pods in three, and always the same ones."""
    return replace(state, pods=tuple(pod for index, pod in enumerate(state.pods) if index % 3 != 1))


def without_plugins(state: NodeState) -> NodeState:
    """Return the state before any device plugin has registered again: no device is allocatable, healthy or not."""
    return replace(state, allocatable=replace(state.allocatable, devices=()), unhealthy=())


def incomplete(state: NodeState, share: float) -> NodeState:
    """Return what the kubelet says when *share* (0 to 1) of the window after its restart has gone by."""
    return without_pods(state) if share < EMPTY_SHARE else with_some_pods(state)


def restart_window(settings: KubeletSettings, state: NodeState, random: Random) -> list[Answers]:
    """
    Return the answers of the window step by step, for `SimKubelet.restart`: no pods, some, all; no plugin throughout.

    Source: kubelet serves before its pod sources are ready (ListenAndServePodResources); kubernetes #102552, #137919;
    observed on 1.36: OK and empty, then 14 of 20 pods, all of them about a second after the first answer.
    """
    bare = without_plugins(state)
    steps = (without_pods(bare), with_some_pods(bare), bare)
    return [StateAnswers(settings, _always(step), random) for step in steps]


def _always(state: NodeState) -> Callable[[], NodeState]:
    return lambda: state
