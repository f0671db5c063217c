"""Field and label selectors."""

import pytest
from api_rig import Client, names, pod

from podres_exporter.sim.api import NAMESPACES, PODS, RESOURCE_SLICES, Resource, StatusError, Store
from podres_exporter.sim.api.http.selectors import EVERYTHING, parse_selectors

ITEM = {
    "metadata": {"name": "p", "namespace": "ml", "labels": {"app": "train", "gpu": "", "app.kubernetes.io/name": "x"}},
    "spec": {"nodeName": "n1"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("spec.nodeName=n1", True),
        ("spec.nodeName==n1", True),
        ("spec.nodeName!=n1", False),
        ("spec.nodeName=n2", False),
        ("spec.nodeName=n1,status.phase!=Succeeded", True),
        ("spec.nodeName=n1,status.phase!=Running", False),
        ("metadata.name=p,metadata.namespace=ml", True),
        ("metadata.namespace=other", False),
        ("status.podIP=", True),
        ("status.podIP!=", False),
        ("status.podIP=10.0.0.1", False),
    ],
)
def test_a_field_selector_compares_with_equal_and_not_equal(text: str, expected: bool) -> None:
    """A field that is absent counts as empty (fields.Set.Get)."""
    assert expected == parse_selectors(PODS, text, "").matches(ITEM)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=train", True),
        ("app==train", True),
        ("app = train", True),
        ("app!=train", False),
        ("tier!=front", True),
        ("gpu=", True),
        ("gpu", True),
        ("tier", False),
        ("!tier", True),
        ("!gpu", False),
        ("app in (serve, train)", True),
        ("app in (serve)", False),
        ("app notin (serve,train)", False),
        ("tier notin (front)", True),
        ("app in (serve,train),gpu,!tier", True),
        ("app.kubernetes.io/name=x", True),
    ],
)
def test_a_label_selector_compares_values_sets_and_presence(text: str, expected: bool) -> None:
    """`!=` and `notin` select objects without the label too (labels.Requirement.Matches)."""
    assert expected == parse_selectors(PODS, "", text).matches(ITEM)


def test_an_object_without_labels_has_no_label() -> None:
    assert not parse_selectors(PODS, "", "app").matches({"metadata": {"name": "p"}})


@pytest.mark.parametrize(
    ("resource", "fields", "labels", "expected"),
    [
        (PODS, "spec.foo=1", "", "field label not supported: spec.foo"),
        (NAMESPACES, "spec.nodeName=n1", "", "field label not supported: spec.nodeName"),
        (RESOURCE_SLICES, "metadata.namespace=a", "", "field label not supported: metadata.namespace"),
        (PODS, "spec.nodeName", "", "invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'"),
        (PODS, "", "a b", "unable to parse requirement: cannot understand 'a b' in 'a b'"),
        (PODS, "", "a in b", "unable to parse requirement: cannot understand 'a in b' in 'a in b'"),
    ],
)
def test_a_selector_that_cannot_be_read_is_refused(resource: Resource, fields: str, labels: str, expected: str) -> None:
    """Each kind has a closed list of fields; anything else is a 400."""
    with pytest.raises(StatusError) as caught:
        parse_selectors(resource, fields, labels)

    assert (400, expected) == (caught.value.code, str(caught.value))


def test_only_the_empty_selector_is_empty() -> None:
    assert EVERYTHING == parse_selectors(PODS, "", "")
    assert EVERYTHING.is_empty
    assert not parse_selectors(PODS, "metadata.name=a", "").is_empty


def test_the_server_selects_the_pods_of_one_node(store: Store, client: Client) -> None:
    """The exporter's own request: spec.nodeName, and finished pods left out."""
    store.create(PODS, pod("here"))
    store.create(PODS, pod("done", phase="Succeeded"))
    store.create(PODS, pod("there", node="n2"))

    reply = client.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1%2Cstatus.phase%21%3DSucceeded")

    assert ["here"] == names(reply.json["items"])


def test_an_unknown_field_is_a_bad_request(client: Client) -> None:
    reply = client.get("/api/v1/pods?fieldSelector=spec.foo%3D1")

    assert (400, "BadRequest", "field label not supported: spec.foo") == (
        reply.code,
        reply.json["reason"],
        reply.json["message"],
    )
