"""A pending pod, and the nodes on which it would fit."""

from cluster_rig import busy, meta, snapshot

from podres_exporter.cluster.fit import Pending, pending_document, pending_lines, ranked
from podres_exporter.fit import ask_of

WAITING = meta("new", phase="Pending", has_started=False)
ANSWERS = ranked([snapshot("n2"), busy("n1")], ask_of(WAITING))
SAID = "0/2 nodes are available:\n2 Insufficient nvidia.com/gpu."


def test_it_says_who_waits_why_and_where_it_could_go() -> None:
    lines = pending_lines(Pending(WAITING, SAID), ANSWERS)

    assert [
        "ml/new  (Guaranteed, Pending)",
        "  not scheduled to a node yet",
        "  the scheduler says: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
        "",
        "where it would fit now:",
        "yes on 2 of 2 nodes",
    ] == lines[:6]
    assert ["n1", "n2"] == [line.split()[0] for line in lines if line[:2] in {"n1", "n2"}]


def test_a_scheduler_that_says_nothing_is_not_quoted() -> None:
    lines = pending_lines(Pending(meta("new", phase="", qos_class="")), ANSWERS)

    assert "ml/new  (no status)" == lines[0]
    assert [] == [line for line in lines if "says:" in line]


def test_the_document_is_that_of_fit_with_the_pod() -> None:
    document = pending_document(Pending(WAITING, SAID), ANSWERS, [])

    assert ("PendingPod", "ml", "new") == (document["kind"], document["namespace"], document["pod"])
    assert ("Pending", SAID) == (document["phase"], document["scheduler"])
    assert ["n1", "n2"] == [each["node"] for each in document["items"]]
