"""Which pods are asked for by Get, and that each has its turn."""

from builders import pod

from podres_exporter.allocation import Cache, Site, Waits
from podres_exporter.allocation.gets import Gets, Why
from podres_exporter.model import Listing, Metadata, Pod, PodMeta

INTERVAL, RESYNC, HOLD, MAX_AGE = 10.0, 300.0, 60.0, 120.0


def listed(*pods: Pod) -> Listing:
    return Listing(tuple(sorted(pods, key=lambda each: each.key)))


def test_of_many_missing_pods_each_has_its_turn() -> None:
    """Those that the kubelet does not find are asked for again and again, which must not keep the others waiting."""
    pods = [pod(f"p-{number:03}") for number in range(150)]
    metas = [PodMeta(*each.key, f"uid-{each.name}", phase="Running") for each in pods]
    cache = Cache(Site("n1"), Waits(HOLD, MAX_AGE, INTERVAL))
    cache.update_metadata(Metadata({each.key: each for each in metas}, synced=True))
    cache.begin(is_young=False)
    cache.listed(listed(*pods), 0.0)
    cache.settle(0.0)
    cache.begin(is_young=True)
    for second in (1.0, 3.0):
        cache.listed(listed(pod("witness")), second)
    gets = Gets(cache, INTERVAL, RESYNC)
    asked: set[str] = set()
    for tick in range(2 * 100):
        now = 4.0 + tick / 2
        for key, why in gets.take(now):
            assert why is Why.MISSING
            asked.add(key[1])
            cache.not_found(key, now)
            gets.answered(key, why, None, now)

    assert {each.name for each in pods} <= asked
