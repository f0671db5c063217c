"""The rate limit of the pod-resources endpoint."""

from fake_clock import FakeClock

from podres_exporter.sim.podresources.gate import kubelet_limit


def test_a_full_bucket_gives_ten_tokens_and_then_none() -> None:
    """DefaultBurstTokens is 10."""
    bucket = kubelet_limit(FakeClock())

    assert [True] * 10 + [False] * 3 == [bucket.take() for _ in range(13)]


def test_a_bucket_refills_at_a_hundred_tokens_a_second() -> None:
    """DefaultQPS is 100; a refused call costs nothing."""
    clock = FakeClock()
    bucket = kubelet_limit(clock)
    drained = [bucket.take() for _ in range(11)]
    clock.advance(0.031)

    assert False is drained[-1]
    assert [True, True, True, False] == [bucket.take() for _ in range(4)]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A quiet hour buys no more than ten calls at once."""
    clock = FakeClock()
    bucket = kubelet_limit(clock)
    clock.advance(3600)

    assert [True] * 10 + [False] == [bucket.take() for _ in range(11)]
