"""A short soak test with most faults; no resources leak."""

import tempfile
from pathlib import Path

import pytest
from soak.plan import FLAGS, SHORT, allowed_lines
from soak.soaking import Soak, soak
from soak.verdict import judged, log_judgements, quarters

from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS

WARM_UP_SECONDS, SECONDS, FAULT_SECONDS = 4.0, 8.0, 1.3
MOST_GROWTH_KIB = 4 * 1024
"""
Of a process that has been warm for four seconds. Ten such runs grew by 0.4 to 1.1 MiB, on a machine that was busy with
other things. Whoever kept every second of the answers, some 200 of 40 KB in that time, would be above it.
"""


@pytest.fixture(scope="module")
def seen() -> Soak:
    """Return what came of some seconds of churn, with a fault every 1.3 seconds."""
    with tempfile.TemporaryDirectory(prefix="pr") as directory:
        return soak(
            Path(directory), WARM_UP_SECONDS, SECONDS, every_seconds=1.0, faults=SHORT, fault_seconds=FAULT_SECONDS
        )


def test_something_was_going_on(seen: Soak) -> None:
    """Otherwise the rest would prove nothing."""
    assert {fault.name for fault in SHORT} == set(seen.faults)
    assert {"created", "deleted", "finished", "recreated"} <= set(seen.events)
    assert sum(seen.events.values()) > 50
    assert min(seen.good.values()) > 10


def test_nobody_is_turned_away(seen: Soak) -> None:
    assert ({}, ()) == (seen.bad, seen.problems)


def test_no_descriptor_and_no_thread_is_left_behind(seen: Soak) -> None:
    """At rest, without faults and requests, before and after."""
    assert (seen.before.descriptors, seen.before.threads) == (seen.after.descriptors, seen.after.threads)
    assert seen.after.grpc_threads <= seen.before.grpc_threads + 2


def test_memory_does_not_grow_with_what_has_come_and_gone(seen: Soak) -> None:
    assert seen.after.rss_kib - seen.before.rss_kib < MOST_GROWTH_KIB


def test_the_log_tells_each_thing_once(seen: Soak) -> None:
    assert [] == [each for each in log_judgements(seen) if not each.is_good]


def test_it_ends_well(seen: Soak) -> None:
    assert 0 == seen.exit_code, seen.log


def test_every_question_of_the_long_version_has_an_answer(seen: Soak) -> None:
    """The numbers of a busy machine decide nothing here."""
    assert 4 == len(quarters(seen))
    assert all(each.seen for each in judged(seen))


def test_a_flood_is_noticed() -> None:
    """One source that is down once more than something went wrong."""
    allowed = allowed_lines({"kubelet restarts": 2, "watch is cut": 1, "watch expires (410)": 5})

    assert (3, 2, 2) == (allowed["source.down"], allowed["kubelet.restarted"], allowed["pods.retained"])


def test_the_flags_are_the_defaults_at_the_speed_of_the_plan() -> None:
    """The exporter accepts them; what they mean is checked by the exporter's own tests."""
    given = dict(flag.split("=", 1) for flag in FLAGS if "=" in flag and "listen" not in flag)
    config = build_config({**given, "--node-name": "n"}, {}, "n", COLLECTORS, DEFAULT_COLLECTORS)

    assert 1.0 == config.poll_interval_seconds
