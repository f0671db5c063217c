"""The finding on flags and environment variables; invalid values are rejected earlier."""

from check_rig import found, healthy

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import Settings


def settings(**changes: object) -> Settings:
    return Settings("n1", 10.0, 60.0, "apiserver", **changes)  # type: ignore[arg-type]


def test_what_is_given_is_named() -> None:
    """The first question about a daemon that behaves oddly."""
    one = found(healthy(settings=settings(given=("--kubelet.socket", "PODRES_LOG_LEVEL"))), "config")

    assert (Verdict.OK, "valid; given: --kubelet.socket and PODRES_LOG_LEVEL") == (one.verdict, one.seen)


def test_defaults_are_said_to_be_such() -> None:
    assert "valid; all defaults" == found(healthy(settings=settings()), "config").seen


def test_a_variable_that_nobody_reads_is_named_with_the_one_that_may_be_meant() -> None:
    """A misspelt variable changes nothing, and says nothing."""
    strangers = (("PODRES_KUBELET_SOKET", "PODRES_KUBELET_SOCKET"), ("PODRES_X", ""))
    one = found(healthy(settings=settings(strangers=strangers)), "config")

    assert Verdict.NOTE is one.verdict
    assert "valid, but unknown and ignored: PODRES_KUBELET_SOKET, PODRES_X" == one.seen
    assert "did you mean PODRES_KUBELET_SOCKET?" in one.remedy
    assert ["PODRES_KUBELET_SOKET", "PODRES_X"] == one.facts["unread"]
