"""The allow-list of pod labels, in kube-state-metrics syntax."""

import pytest

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist

KEYS = ["app", "team", "app.kubernetes.io/name", "app.kubernetes.io/part-of", "teamwork"]


def allowed(text: str) -> list[str]:
    allowlist = parse_allowlist(text)
    return [key for key in KEYS if allowlist.allows(key)]


@pytest.mark.parametrize("text", ["", "  ", "pods=[]", "pods=[ ]", "*=[]"])
def test_nothing_allows_nothing(text: str) -> None:
    """Labels cost series, so none is shown by default."""
    assert LabelAllowlist() == parse_allowlist(text)
    assert [] == allowed(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("pods=[app]", ["app"]),
        ("pods=[app,team,absent]", ["app", "team"]),
        (" pods = [ app , team ] ", ["app", "team"]),
        ("*=[app]", ["app"]),
        ("app", ["app"]),
        ("app, team", ["app", "team"]),
        ("pods=[*]", KEYS),
        ("*", KEYS),
        ("*,app", KEYS),
        ("pods=[app.kubernetes.io/*]", ["app.kubernetes.io/name", "app.kubernetes.io/part-of"]),
        ("team*", ["team", "teamwork"]),
        ("*name,team", ["team", "app.kubernetes.io/name"]),
        ("app*name", ["app.kubernetes.io/name"]),
    ],
)
def test_labels_are_allowed_by_name_and_by_pattern(text: str, keys: list[str]) -> None:
    """The syntax of --metric-labels-allowlist (kube-state-metrics 2.20), and a bare list, for there are only pods."""
    assert keys == allowed(text)


def test_the_two_ends_of_a_pattern_do_not_overlap() -> None:
    """`team*m` wants two letters m (expandWildcard makes `^team.*m$` of it)."""
    allowlist = parse_allowlist("team*m")

    assert [False, True, True] == [allowlist.allows(key) for key in ("team", "teamm", "team-m")]


def test_the_same_list_in_another_order_is_equal() -> None:
    """Allow-lists are records; a configuration can be compared."""
    assert parse_allowlist("a,b*,c*") == parse_allowlist("pods=[c*,b*,a,a]")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pods=[*app*]", "'*app*' has more than one *; use at most one per label"),
        ("app,*", "* alone allows every label and must come first; write pods=[*]"),
        ("pods=[app],namespaces=[team]", "only pods are exported here; leave out namespaces"),
        ("nodes=[a],namespaces=[*]", "only pods are exported here; leave out nodes, namespaces"),
        ("pods=[a],pods=[b]", "pods is given twice; put all labels into one pair of brackets"),
        ("pods=[a,]", "a label is missing beside a comma; write for example pods=[app,team,app.kubernetes.io/*]"),
        ("a,,b", "a label is missing beside a comma; write for example pods=[app,team,app.kubernetes.io/*]"),
        ("a b", "'a b' is not a valid label name; write for example pods=[app,team,app.kubernetes.io/*]"),
        ('pods=["app"]', "'\"app\"' is not a valid label name; write for example pods=[app,team,app.kubernetes.io/*]"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(text: str, problem: str) -> None:
    """The sentence stands behind the name of the flag."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole text is compared
        parse_allowlist(text)

    assert problem == str(caught.value)


@pytest.mark.parametrize(
    "text", ["pods=app", "pods=[app", "=[app]", "pods=[app]x", "pods=[app],", "[app]", "pods[app]", "pods=[[a]]"]
)
def test_brackets_that_do_not_close_are_no_list(text: str) -> None:
    """Only a bare list may do without them."""
    with pytest.raises(ValueError, match="is not a list of labels; write for example"):
        parse_allowlist(text)
