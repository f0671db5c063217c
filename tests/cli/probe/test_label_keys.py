"""Counting pods by label key."""

import json
from typing import Any

import pytest
from pod_json import pod_json, to_bytes

from podres_exporter.cli.probe.apiserver import label_keys


def labelled(**labels: Any) -> dict[str, Any]:
    return pod_json(metadata={"labels": labels})


def test_labels_are_counted_over_pods() -> None:
    """Pods without labels have none, whether they say so or not."""
    items = [labelled(app="a", tier="x"), labelled(app="b"), pod_json(), pod_json(metadata={"labels": None})]

    assert {"app": 2, "tier": 1} == label_keys(to_bytes({"items": items}))


@pytest.mark.parametrize("item", [{"metadata": {"labels": 7}}, {"metadata": {"labels": {"a": 1}}}, 7, {}])
def test_a_pod_that_cannot_be_read_has_none(item: object) -> None:
    """The others have theirs."""
    assert {"app": 1} == label_keys(to_bytes({"items": [item, labelled(app="a")]}))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", json.dumps({"items": None}).encode(), b"{}"])
def test_what_is_no_list_has_none(body: bytes) -> None:
    assert {} == label_keys(body)
