"""Pods in the document: listed by the kubelet, or known to the API server only."""

from typing import Any

import pytest
from document_samples import everything
from msgspec import to_builtins
from snapshots import holding

from podres_exporter.document import decode, encode
from podres_exporter.document.faults import read
from podres_exporter.document.pods import PodRecord, read_all_metas, read_metas, read_pods, write_other_pods, write_pod
from podres_exporter.errors import DocumentError
from podres_exporter.model import (
    Container,
    Explanation,
    MemoryBlock,
    Metadata,
    Pod,
    PodMeta,
    PodView,
    Request,
    Snapshot,
)


def written(view: PodView) -> Any:
    return to_builtins(write_pod(view))


@pytest.mark.parametrize(
    ("meta", "expected"),
    [(None, {"namespace", "name", "containers"}), (PodMeta("ml", "a", "1"), {"metadata", "requests"})],
)
def test_requests_are_unknown_where_the_api_server_says_nothing(meta: PodMeta | None, expected: set[str]) -> None:
    """And known to be none where it does."""
    view = PodView(Pod("ml", "a"), (), meta)

    assert {"namespace", "name", "containers"} | expected == set(written(view))
    assert (view,) == read(written(view), PodRecord, lambda record: read_pods([record]))


@pytest.mark.parametrize(
    ("request_", "missing", "explanation"),
    [
        (Request("c", "r", 2, 2), 0, None),
        (Request("c", "r", 2, 1), 1, "unexplained"),
        (Request("c", "r", 2, 0, Explanation.INIT_CONTAINER), 2, "init_container"),
        (Request("c", "r", 0, 0, Explanation.CLAIM), 0, "claim"),
    ],
)
def test_what_is_missing_is_explained(request_: Request, missing: int, explanation: str | None) -> None:
    """Where nothing is missing there is nothing to explain."""
    view = PodView(Pod("ml", "a"), (), PodMeta("ml", "a", "1"), (request_,))

    (actual,) = written(view)["requests"]

    assert (missing, explanation) == (actual["missing"], actual.get("explanation"))
    assert (view,) == read(written(view), PodRecord, lambda record: read_pods([record]))


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (Pod("ml", "a", (), frozenset({1}), ()), {"exclusiveCpus": "1", "memory": []}),
        (
            Pod("ml", "a", (), frozenset(), (MemoryBlock("memory", frozenset(), 5),)),
            {"exclusiveCpus": "", "memory": [{"memoryType": "memory", "bytes": 5}]},
        ),
        (Pod("ml", "a", ()), None),
    ],
)
def test_what_is_listed_for_the_pod_as_a_whole_stands_apart(pod: Pod, expected: object) -> None:
    """From 1.37 on; it repeats what the containers list."""
    view = PodView(pod, ())

    assert expected == written(view).get("podLevel")
    assert (view,) == read(written(view), PodRecord, lambda record: read_pods([record]))


def test_pods_that_the_kubelet_does_not_list_stand_apart_and_sorted() -> None:
    """Rejected and finished ones: why a pod is not there is asked as often as why it is where it is."""
    metas = {(meta.namespace, meta.name): meta for meta in (PodMeta("z", "a", "2"), PodMeta("ml", "b", "1"))}
    listed = PodMeta("ml", "a", "0")
    metadata = Metadata({listed.key: listed, **metas})
    allocation = holding(Pod("ml", "a", (Container("c"),))).allocation

    rows = write_other_pods(Snapshot("n1", allocation, metadata))

    assert rows is not None
    assert [("ml", "b", "1"), ("z", "a", "2")] == [(row.namespace, row.name, row.metadata.uid) for row in rows]
    assert metas == read_metas(rows)


def test_without_the_api_server_other_pods_are_unknown() -> None:
    """Absent, not none."""
    assert write_other_pods(Snapshot("n1", None)) is None
    assert [] == write_other_pods(Snapshot("n1", None, Metadata()))


def test_what_the_api_server_says_of_listed_pods_is_told_once() -> None:
    snapshot = everything()
    assert snapshot.allocation is not None
    assert snapshot.metadata is not None
    views = read_pods([write_pod(view) for view in snapshot.allocation.pods])

    actual = read_all_metas(write_other_pods(snapshot) or (), views)

    assert snapshot.metadata.pods == actual


def test_a_pod_that_is_listed_is_no_other_pod() -> None:
    """What the API server says of it would be told twice, and one of the two be forgotten."""
    document: Any = encode(everything(), generated_at_seconds=0, version="")
    document["otherPods"][0]["name"] = "train-0"

    with pytest.raises(DocumentError) as caught:
        decode(document)

    assert "otherPods[0].name: is 'train-0', a pod of 'ml' that is in pods too; remove one of them" == str(caught.value)
