"""The exception hierarchy, and the reasons that become label values."""

import re

import pytest

from podres_exporter.errors import (
    ConfigError,
    DocumentError,
    DocumentVersionError,
    KubeletError,
    PodresError,
    Reason,
    SourceError,
    TopologyError,
)
from podres_exporter.families.catalogue import CATALOGUE


def help_of(name: str) -> str:
    (found,) = [family.help for family in CATALOGUE if family.name == name]
    return found


KUBELET_REASONS = frozenset(Reason) - {Reason.GONE}
"""What a call to the kubelet can fail for; only a watch can be too old."""


@pytest.mark.parametrize("reason", sorted(KUBELET_REASONS))
def test_every_reason_is_named_in_the_help_of_the_error_counter(reason: Reason) -> None:
    """A reader of the page can tell which reasons there are without the source."""
    listed = help_of("podres_kubelet_rpc_errors_total").partition("by reason: ")[2].rstrip(".").split(", ")

    assert reason.value in listed


def test_the_help_of_the_error_counter_names_no_reason_that_does_not_exist() -> None:
    """An alert on it would never fire."""
    listed = help_of("podres_kubelet_rpc_errors_total").partition("by reason: ")[2].rstrip(".").split(", ")

    assert {reason.value for reason in KUBELET_REASONS} == set(listed)


def test_the_reason_that_only_a_watch_has_is_named_where_watches_are_counted() -> None:
    """The other reasons are the kubelet's, too."""
    assert "gone" in help_of("podres_metadata_errors_total")


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_a_label_value_that_needs_no_quoting(reason: Reason) -> None:
    """Low-cardinality words in snake case."""
    assert re.fullmatch("[a-z]+(_[a-z]+)*", reason.value)
    assert reason.value == str(reason)


def test_the_reasons_of_the_design_are_all_there() -> None:
    """The small enum, not_found, which Get answers for a pod that has ended, and gone, which a watch comes to."""
    of_design = {
        "unavailable",
        "timeout",
        "denied",
        "unimplemented",
        "disabled",
        "throttled",
        "too_large",
        "malformed",
        "internal",
    }

    assert {*of_design, "not_found", "gone"} == {reason.value for reason in Reason}


def test_an_error_of_the_kubelet_says_which_call_failed_and_why() -> None:
    """The text is for people; only the reason becomes a label."""
    error = KubeletError("List", Reason.TIMEOUT, "no answer within 10s")

    assert ("kubelet", "List", Reason.TIMEOUT) == (error.source, error.rpc, error.reason)
    assert "List: no answer within 10s" == error.detail
    assert "kubelet: timeout: List: no answer within 10s" == str(error)


def test_an_error_of_the_topology_names_its_source_once() -> None:
    """The source is the label of podres_source_up."""
    error = TopologyError(Reason.MALFORMED, "a cpulist")

    assert ("topology", Reason.MALFORMED, "a cpulist") == (error.source, error.reason, error.detail)
    assert "topology: malformed: a cpulist" == str(error)


def test_a_configuration_error_keeps_every_fault() -> None:
    """A user mends all of them in one go."""
    error = ConfigError(["--a: wrong", "--b: wrong"])

    assert ("--a: wrong", "--b: wrong") == error.problems
    assert "--a: wrong; --b: wrong" == str(error)


def test_a_fault_of_a_document_is_told_with_its_place() -> None:
    error = DocumentError("pods[3].name", "is missing")

    assert ("pods[3].name", "is missing", "pods[3].name: is missing") == (error.path, error.problem, str(error))


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (KubeletError, (SourceError, PodresError)),
        (TopologyError, (SourceError, PodresError)),
        (ConfigError, (PodresError,)),
        (DocumentError, (PodresError,)),
        (DocumentVersionError, (DocumentError, PodresError)),
    ],
)
def test_errors_are_told_apart_by_who_can_do_something_about_them(
    error: type[PodresError], bases: tuple[type[PodresError], ...]
) -> None:
    """The tree in the module's docstring; a wrong flag is no outage of a source."""
    assert bases == tuple(base for base in error.__mro__[1:] if issubclass(base, PodresError))
