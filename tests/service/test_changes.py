"""Changed pods are passed from the watching thread to the polling one."""

import pytest

from podres_exporter.service import Changes

A, B, C = ("ml", "a"), ("ml", "b"), ("ml", "c")


class Bell:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def changes(bell: Bell) -> Changes:
    return Changes(bell.ring)


def test_news_comes_out_once_and_in_the_order_it_came(changes: Changes) -> None:
    """Several events of one pod are one question to the kubelet."""
    changes.report([B, A])
    changes.report([B, C])

    assert [B, A, C] == changes.take()
    assert [] == changes.take()


def test_each_report_rings_even_one_without_pods(changes: Changes, bell: Bell) -> None:
    """That the API server has come back is news of no pod."""
    changes.report([A])
    changes.report([])

    assert 2 == bell.rung
