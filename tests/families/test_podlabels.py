"""Pod labels as metric labels, named as in kube-state-metrics 2.20."""

import pytest

from podres_exporter.families.pods import metric_labels


def named(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return metric_labels(tuple(sorted(labels.items())))


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
    assert ((name, "v"),) == named({key: "v"})


def test_rows_are_sorted_by_their_metric_name() -> None:
    """`Zone` stands before `app` as a key, and after it as a name."""
    assert (("label_app", "a"), ("label_team", ""), ("label_zone", "z")) == named({"app": "a", "Zone": "z", "team": ""})
    assert () == named({})


def test_keys_of_one_name_are_numbered_in_their_order() -> None:
    """The first is renamed as well: nobody can tell which of them the bare name would mean (mapToPrometheusLabels)."""
    labels = {"a_b": "underscore", "a-b": "hyphen", "a.b": "dot", "aB": "camel", "c": "alone"}

    assert (
        ("label_a_b_conflict1", "hyphen"),
        ("label_a_b_conflict2", "dot"),
        ("label_a_b_conflict3", "camel"),
        ("label_a_b_conflict4", "underscore"),
        ("label_c", "alone"),
    ) == named(labels)


def test_a_number_whose_name_is_taken_is_passed_over() -> None:
    """Prometheus refuses a sample that has a label twice; two tables of kube-state-metrics 2.20."""
    assert (
        ("label_a_b_conflict1", "already taken"),
        ("label_a_b_conflict2", "dash"),
        ("label_a_b_conflict3", "dot"),
    ) == named({"A.b.conflict1": "already taken", "a-b": "dash", "a.b": "dot"})


def test_a_key_that_comes_upon_a_generated_name_starts_numbers_of_its_own() -> None:
    """`a_b_conflict1` sorts last here, when its name has been given away already."""
    assert (
        ("label_a_b_conflict1_conflict1", "dash"),
        ("label_a_b_conflict1_conflict2", "itself"),
        ("label_a_b_conflict2", "dot"),
    ) == named({"a-b": "dash", "a.b": "dot", "a_b_conflict1": "itself"})


def test_the_order_of_the_keys_makes_no_difference() -> None:
    labels = (("a.b", "dot"), ("c", "alone"), ("a-b", "hyphen"))

    assert metric_labels(labels) == metric_labels(tuple(reversed(labels)))
