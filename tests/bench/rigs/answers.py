"""Serialised kubelet answers for each node size; the order varies from call to call as with a real kubelet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from bench.rigs.sizes import FEW, Size, state_of

from podres_exporter.model import Topology
from podres_exporter.scenario import KubeletSettings, NodeState, Release
from podres_exporter.sim.podresources.answers import StateAnswers

VARIANTS = 4


class News(StrEnum):
    """How much of an answer differs from the one before, beside its order."""

    SAME = "nothing changed"
    FEW = "one pod in fifty changed"
    ALL = "everything changed"


@dataclass(frozen=True, slots=True)
class Round:
    """The answers of one poll, as bytes."""

    listed: bytes
    allocatable: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A node's topology, and its answers in turn by how much changes from one to the next."""

    size: Size
    topology: Topology
    rounds: Mapping[News, tuple[Round, ...]]


def node_of(size: Size, wanted: Collection[News] = tuple(News)) -> Node:
    """Return the node with its answers; after the last round they start again."""
    usual = state_of(size)
    draw = Random(1)  # noqa: S311 - no secret
    plain = [_round(usual, draw) for _ in range(VARIANTS)]
    rounds = {News.SAME: tuple(plain)}
    for news in (News.FEW, News.ALL):
        if news in wanted:
            other = state_of(size, FEW if news is News.FEW else 1)
            rounds[news] = tuple(
                answer if number % 2 == 0 else _round(other, draw) for number, answer in enumerate(plain)
            )
    return Node(size, usual.topology, rounds)


def _round(state: NodeState, draw: Random) -> Round:
    answers = StateAnswers(KubeletSettings(Release(36)), lambda: state, draw)
    return Round(answers.list(), answers.allocatable())
