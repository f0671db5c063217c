"""The official kubernetes client works against the simulated API server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_rig import names, pod
from kubernetes import config
from kubernetes.client import ApiClient, Configuration

from podres_exporter.clock import Clock
from podres_exporter.sim.api import PODS, ApiServer, Fail, Store, kubeconfig

TOKEN = "a-token"  # noqa: S105 - a test's own


@pytest.fixture
def secured(store: Store, clock: Clock) -> Iterator[ApiServer]:
    with ApiServer(store, clock, token=TOKEN) as server:
        yield server


@pytest.fixture
def api(secured: ApiServer, tmp_path: Path) -> Iterator[Any]:
    """Yield a client that was configured by our own kubeconfig."""
    path = tmp_path / "config"
    path.write_text(kubeconfig(secured.url, TOKEN))
    configuration = Configuration()
    config.load_kube_config(str(path), client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.retries = False
    with ApiClient(configuration) as client:
        yield client


def ask(api: Any, **query: str) -> Any:
    """Return the raw answer to a request for pods."""
    request = api.param_serialize(
        "GET",
        "/api/v1/pods",
        query_params=list(query.items()),
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    return api.call_api(*request, _request_timeout=(5, 5)).response


def test_it_lists_the_pods_of_a_node_with_its_token(store: Store, secured: ApiServer, api: Any) -> None:
    store.create(PODS, pod("here"))
    store.create(PODS, pod("there", node="n2"))
    response = ask(api, fieldSelector="spec.nodeName=n1", resourceVersion="0")

    assert (200, ["here"]) == (response.status, names(json.loads(response.data)["items"]))
    assert f"Bearer {TOKEN}" == secured.requests.recent[0].headers["authorization"]


def test_it_watches_line_by_line_until_the_end(store: Store, api: Any) -> None:
    store.create(PODS, pod("a"))
    response = ask(api, watch="true", resourceVersion=str(store.version), fieldSelector="spec.nodeName=n1")
    store.update(PODS, pod("a", phase="Failed"))
    store.delete(PODS, "ml", "a")
    lines = iter(response)

    assert ["MODIFIED", "DELETED"] == [json.loads(next(lines))["type"] for _ in range(2)]
    response.close()


def test_it_sees_that_its_version_has_expired(store: Store, api: Any) -> None:
    store.create(PODS, pod("a"))
    store.compact()
    events = [json.loads(line) for line in ask(api, watch="true", resourceVersion="1")]

    assert [("ERROR", 410)] == [(each["type"], each["object"]["code"]) for each in events]


def test_it_sees_status_and_time_to_wait(secured: ApiServer, api: Any) -> None:
    secured.faults.on_requests("list", Fail(429, retry_after_seconds=3))
    response = ask(api)

    assert (429, "3") == (response.status, response.headers["Retry-After"])
    response.release_conn()
