"""Labels under their metric names; the tables follow kube-state-metrics 2.20."""

import pytest

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.podmeta import label_rows

EVERY = LabelAllowlist(everything=True)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("app", "label_app"),
        ("app.kubernetes.io/name", "label_app_kubernetes_io_name"),
        ("0_app", "label_0_app"),
        ("_app", "label__app"),
        ("$app", "label__app"),
        ("", "label_"),
        ("camelCase", "label_camel_case"),
        ("snake_camelCase", "label_snake_camel_case"),
        ("HTTPServer", "label_httpserver"),
        ("v2Beta1Name", "label_v2_beta1_name"),
        ("étage", "label__tage"),
    ],
)
def test_a_key_becomes_a_label_name_in_snake_case(key: str, name: str) -> None:
    """The names of kube_pod_labels, so that the two can be joined without relabelling."""
    assert ((name, "v"),) == label_rows({key: "v"}, EVERY)


def test_rows_are_sorted_by_their_metric_name_and_only_the_allowed_are_there() -> None:
    """`Zone` stands before `app` as a key, and after it as a name."""
    labels = {"app": "a", "Zone": "z", "secret": "s", "team": ""}

    assert (("label_app", "a"), ("label_team", ""), ("label_zone", "z")) == label_rows(
        labels, parse_allowlist("Zone,app,team,absent")
    )
    assert () == label_rows(labels, LabelAllowlist())


def test_keys_of_one_name_are_numbered_in_their_order() -> None:
    """The first is renamed as well: nobody can tell which of them the bare name would mean (mapToPrometheusLabels)."""
    labels = {"a_b": "underscore", "a-b": "hyphen", "a.b": "dot", "aB": "camel", "c": "alone"}

    assert (
        ("label_a_b_conflict1", "hyphen"),
        ("label_a_b_conflict2", "dot"),
        ("label_a_b_conflict3", "camel"),
        ("label_a_b_conflict4", "underscore"),
        ("label_c", "alone"),
    ) == label_rows(labels, EVERY)


def test_a_number_whose_name_is_taken_is_passed_over() -> None:
    """Prometheus refuses a sample that has a label twice; two tables of kube-state-metrics 2.20."""
    assert (
        ("label_a_b_conflict1", "already taken"),
        ("label_a_b_conflict2", "dash"),
        ("label_a_b_conflict3", "dot"),
    ) == label_rows({"A.b.conflict1": "already taken", "a-b": "dash", "a.b": "dot"}, EVERY)


def test_a_key_that_comes_upon_a_generated_name_starts_numbers_of_its_own() -> None:
    """`a_b_conflict1` sorts last here, when its name has been given away already."""
    assert (
        ("label_a_b_conflict1_conflict1", "dash"),
        ("label_a_b_conflict1_conflict2", "itself"),
        ("label_a_b_conflict2", "dot"),
    ) == label_rows({"a-b": "dash", "a.b": "dot", "a_b_conflict1": "itself"}, EVERY)


def test_labels_that_are_not_allowed_make_no_conflict() -> None:
    """The allow-list comes first (createPrometheusLabelKeysValues)."""
    assert (("label_a_b", "dash"),) == label_rows({"a-b": "dash", "a.b": "dot"}, parse_allowlist("a-b"))
