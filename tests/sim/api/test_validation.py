"""Validation of pods, and the defaults that are added."""

from typing import Any

import pytest
from api_rig import Client

from podres_exporter.sim.api.writes.defaults import canonical

PATH = "/api/v1/namespaces/default/pods"
GPU = "example.com/gpu"
REQUESTS = "spec.containers[0].resources.requests"
STANDARD = "must be a standard resource"
FOO = 'spec.containers[0].resources.limits[foo]: Invalid value: "foo"'


def manifest(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a pod without kind and apiVersion, which the URL has."""
    return {"metadata": {"name": "a"}, "spec": {"containers": list(containers), **spec}}


def one(name: str = "c", image: str = "i", **resources: Any) -> dict[str, Any]:
    return {"name": name, "image": image, "resources": resources}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (manifest(), "spec.containers: Required value"),
        (manifest(one("")), "spec.containers[0].name: Required value"),
        (manifest(one("Bad_Name")), 'spec.containers[0].name: Invalid value: "Bad_Name": a lowercase RFC 1123 label'),
        (manifest(one("c"), one("c")), 'spec.containers[1].name: Duplicate value: "c"'),
        (manifest(one("c"), initContainers=[one("c")]), 'spec.containers[0].name: Duplicate value: "c"'),
        (manifest(one(image="")), "spec.containers[0].image: Required value"),
        (
            manifest(one(limits={GPU: "500m"})),
            f'spec.containers[0].resources.limits[{GPU}]: Invalid value: "500m": must be an integer',
        ),
        (
            manifest(one(limits={"foo": 1})),
            f"{FOO}: {STANDARD} type or fully qualified, {FOO}: {STANDARD} for containers",
        ),
        (
            manifest(one(limits={"requests.example.com/x": 1})),
            (
                "spec.containers[0].resources.limits[requests.example.com/x]: Invalid value: "
                '"requests.example.com/x": doesn\'t follow extended resource name standard'
            ),
        ),
        (
            manifest(one(limits={GPU: 2}, requests={GPU: 1})),
            f'spec.containers[0].resources.requests: Invalid value: "1": must be equal to {GPU} limit of 2',
        ),
        (
            manifest(one(requests={GPU: 1})),
            "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
        ),
        (
            manifest(one(limits={"cpu": 1}, requests={"cpu": "1500m"})),
            f'{REQUESTS}: Invalid value: "1500m": must be less than or equal to cpu limit of 1',
        ),
        (
            manifest(one(limits={"cpu": "-1"})),
            'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
    ],
)
def test_a_pod_that_is_wrong_is_refused_with_the_place(client: Client, given: dict[str, Any], problem: str) -> None:
    """The texts are those of the API server; clients match them, and people read them."""
    reply = client.call("POST", PATH, given)

    begin = f'Pod "a" is invalid: {problem}'
    message = reply.json["message"].replace('"a" is invalid: [', '"a" is invalid: ', 1)
    assert (422, begin) == (reply.code, message[: len(begin)])
    path, _, rest = problem.partition(": ")
    cause = reply.json["details"]["causes"][0]
    assert (path, rest[:30]) == (cause["field"], cause["message"][:30])


@pytest.mark.parametrize("amount", ["much", "", "1.2.3", True, [], "1" * 80])
def test_what_is_no_quantity_is_a_bad_request(client: Client, amount: object) -> None:
    reply = client.call("POST", PATH, manifest(one(limits={"cpu": amount})))

    begin = 'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression'
    assert (400, begin) == (reply.code, reply.json["message"][: len(begin)])


@pytest.mark.parametrize(
    "spec", [{"containers": "c"}, {"containers": ["c"]}, {"containers": [{"resources": "much"}]}, []]
)
def test_what_has_not_the_form_of_a_pod_is_a_bad_request(client: Client, spec: object) -> None:
    assert 400 == client.call("POST", PATH, {"metadata": {"name": "a"}, "spec": spec}).code


def test_a_pod_is_stored_with_requests_quantities_and_defaults(client: Client) -> None:
    """SetDefaults_Pod and PodSpec; what a client has said stays."""
    given = manifest(one(limits={"cpu": 2, "memory": "1024Mi", GPU: 1}, requests={"cpu": 0.5}), restartPolicy="Never")
    stored = client.call("POST", PATH, given).json
    spec = stored["spec"]

    assert "Burstable" == stored["status"]["qosClass"]
    (container,) = spec["containers"]
    assert {
        "limits": {"cpu": "2", "memory": "1Gi", GPU: "1"},
        "requests": {"cpu": "500m", "memory": "1Gi", GPU: "1"},
    } == container["resources"]
    assert ("Always", "Never", 30, "default-scheduler") == (
        container["imagePullPolicy"],
        spec["restartPolicy"],
        spec["terminationGracePeriodSeconds"],
        spec["schedulerName"],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1500m", "1500m"),
        ("2000", "2k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("1e3", "1e3"),
        ("12E", "12E"),
        ("1E3", "1e3"),
        ("0.1n", "1n"),
        ("-2000", "-2k"),
        ("100M", "100M"),
        (" 1 ", "1"),
    ],
)
def test_quantities_are_written_with_the_largest_suffix(text: str, expected: str) -> None:
    """Quantity.CanonicalizeBytes, and its tests in quantity_test.go."""
    assert expected == canonical(text)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"limits": {GPU: 1}}, "BestEffort"),
        ({"limits": {"cpu": 1}}, "Burstable"),
        ({"limits": {"cpu": 1, "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, "Guaranteed"),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_the_class_is_there_before_a_kubelet_has_seen_the_pod(
    client: Client, resources: dict[str, Any], expected: str
) -> None:
    """Seen on a real 1.36.3: a pod that waits for a node has its qosClass."""
    assert expected == client.call("POST", PATH, manifest(one(**resources))).json["status"]["qosClass"]
