"""Decoding lists and watch lines, valid and damaged."""

from typing import Any

import pytest
from pod_json import asking, pod_json, to_bytes

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import Malformed
from podres_exporter.podmeta import (
    Bookmark,
    Changed,
    Deleted,
    Event,
    Failed,
    PodDecoder,
    PodList,
    Unknown,
    Unusable,
    decode_event,
    decode_list,
)

DECODER = PodDecoder(LabelAllowlist())
NO_JSON = [b"", b"{", b"\xff", pytest.param(b"[" * 100_000, id="too deep")]


def listed(*items: object, **metadata: Any) -> PodList:
    return decode_list(to_bytes({"kind": "PodList", "metadata": metadata, "items": items}), DECODER)


def event(kind: str, obj: object) -> Event:
    return decode_event(to_bytes({"type": kind, "object": obj}), DECODER)


def test_a_list_has_its_pods_in_order_and_its_version() -> None:
    """The version is where a watch goes on."""
    first, second = pod_json(metadata={"name": "b"}), pod_json(metadata={"name": "a", "resourceVersion": "9"})

    found = listed(first, second, resourceVersion="343")

    assert [("b", "17"), ("a", "9")] == [(pod.meta.name, pod.resource_version) for pod in found.pods]
    assert ("343", ()) == (found.resource_version, found.malformed)


@pytest.mark.parametrize("body", [b'{"items":null}', b'{"items":[],"metadata":null}', b'{"items":[],"metadata":{}}'])
def test_a_list_may_be_empty_and_without_a_version(body: bytes) -> None:
    """Go writes null for no items; the kubelet's own list has no version."""
    assert PodList((), "") == decode_list(body, DECODER)


def test_a_pod_that_cannot_be_used_is_left_out_and_named() -> None:
    """One pod must not take the others away; its name is said where it can be read."""
    good = pod_json()

    found = listed(pod_json(status={"phase": 7}), good, None, {"metadata": {"name": 5}}, {"metadata": {"name": "p"}})

    assert ["train-0"] == [pod.meta.name for pod in found.pods]
    assert (
        Malformed("items[0].status.phase", "pod ml/train-0: Expected str, got int"),
        Malformed("items[2]", "Expected object, got null"),
        Malformed("items[3].metadata.name", "Expected str, got int"),
        Malformed("items[4].metadata.namespace", "is missing"),
    ) == found.malformed


def test_a_bad_amount_leaves_its_pod_in_the_list() -> None:
    """Its problem stays with the pod."""
    found = listed(pod_json(asking(requests={"cpu": "two"})))

    assert [1] == [len(pod.problems) for pod in found.pods]
    assert () == found.malformed


@pytest.mark.parametrize("body", [*NO_JSON, b"[]", b"null", b"{}", b'{"kind":"Status","code":403}', b'{"items":{}}'])
def test_a_body_that_is_no_list_is_malformed(body: bytes) -> None:
    """A proxy's page, a Status, half an answer; the items of a list are always written."""
    with pytest.raises(ApiServerError) as caught:
        decode_list(body, DECODER)

    assert ("list", Reason.MALFORMED) == (caught.value.verb, caught.value.reason)
    assert f"{len(body)} bytes are not a list of pods: " in str(caught.value)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED"])
def test_a_pod_that_is_new_or_other_has_changed(kind: str) -> None:
    """For consumers that keep the pods by key the two are one."""
    assert Changed(DECODER.decode(to_bytes(pod_json()))) == event(kind, pod_json())


def test_a_deleted_pod_is_named_with_its_uid() -> None:
    """The rest of its last state does not matter, however odd."""
    assert Deleted(("ml", "train-0"), "u-1", "17") == event("DELETED", pod_json(status={"phase": 7}))


def test_a_bookmark_has_the_version_and_nothing_else() -> None:
    """The object is a pod without a name (watch bookmarks, KEP-956)."""
    obj = {
        "kind": "Pod",
        "metadata": {"resourceVersion": "500", "creationTimestamp": None},
        "spec": {"containers": None},
    }

    assert Bookmark("500") == event("BOOKMARK", obj)
    assert Bookmark("") == event("BOOKMARK", {})


def test_an_error_says_how_the_watch_ended() -> None:
    """An expired watch: HTTP 200, this event, and the connection closes (measured on 1.36.3)."""
    status = {
        "kind": "Status",
        "status": "Failure",
        "message": "too old resource version: 1 (343)",
        "reason": "Expired",
        "code": 410,
    }

    assert Failed(410, "Expired", "too old resource version: 1 (343)") == event("ERROR", status)


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ({"retryAfterSeconds": 3}, 3.0),
        ({"retryAfterSeconds": 0}, None),
        ({"retryAfterSeconds": -1}, None),
        ({"retryAfterSeconds": 10**400}, 2147483647.0),
        (None, None),
    ],
)
def test_an_error_may_ask_to_wait(details: object, seconds: float | None) -> None:
    """StatusDetails.retryAfterSeconds; zero is left out by Go and means nothing."""
    found = event("ERROR", {"code": 429, "details": details})

    assert Failed(429, "", "", seconds) == found


def test_an_error_of_any_other_shape_ends_the_watch_as_well() -> None:
    """Code 0 is no HTTP status; a long message is cut."""
    assert Failed(0, "", "its object is not a Status: Expected object, got str") == event("ERROR", "text")
    assert Failed(0, "", "") == event("ERROR", {})
    assert Failed(0, "", "x" * 1024) == event("ERROR", {"message": "x" * 5000})


@pytest.mark.parametrize("obj", [None, {}, pod_json()])
def test_a_type_from_the_future_is_told(obj: object) -> None:
    """Whoever reads on decides whether that matters."""
    assert Unknown("RENAMED") == event("RENAMED", obj)


def test_an_event_whose_pod_cannot_be_used_still_moves_the_watch_on() -> None:
    """Otherwise the watch would ask for the same event again and again."""
    assert Unusable("object.status.phase", "pod ml/train-0: Expected str, got int", "17") == event(
        "MODIFIED", pod_json(status={"phase": 7})
    )
    assert Unusable("object.metadata.name", "is missing", "18") == event(
        "ADDED", {"metadata": {"namespace": "ml", "resourceVersion": "18"}}
    )
    assert Unusable("object", "Expected object, got null", "") == event("ADDED", None)


def test_a_deleted_pod_without_a_name_cannot_be_used() -> None:
    """It is unknown which one was deleted."""
    problem = "has no readable namespace and name"

    assert Unusable("object.metadata", problem, "3") == event(
        "DELETED", {"metadata": {"name": "p", "resourceVersion": "3"}}
    )
    assert Unusable("object.metadata", problem, "") == event("DELETED", {"metadata": {"namespace": "ml", "name": 5}})


def test_an_event_without_an_object_cannot_be_used() -> None:
    """The type alone says nothing of any pod."""
    assert Unusable("object", "Input data was truncated", "") == decode_event(b'{"type":"ADDED"}', DECODER)


@pytest.mark.parametrize("line", [*NO_JSON, b"[]", b"null", b"{}", b'{"type":5}', b'{"type":"ADDED","object":{"met'])
def test_a_line_that_is_no_event_is_malformed(line: bytes) -> None:
    """A connection that breaks cuts the last line short."""
    with pytest.raises(ApiServerError) as caught:
        decode_event(line, DECODER)

    assert ("watch", Reason.MALFORMED) == (caught.value.verb, caught.value.reason)
    assert f"{len(line)} bytes are not a watch event: " in str(caught.value)
