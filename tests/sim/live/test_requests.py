"""Requests read from pod objects."""

from typing import Any

import pytest

from podres_exporter.admission import Amounts, Kind, Qos
from podres_exporter.sim.live.requests import claims_by_container, pod_request

MIB = 1 << 20


def pod(spec: dict[str, Any], **metadata: str) -> dict[str, Any]:
    return {"metadata": {"name": "p", "uid": "u", **metadata}, "spec": spec}


def one(resources: object) -> dict[str, Any]:
    return pod({"containers": [{"name": "c", "resources": resources}]})


def test_a_pod_is_known_by_namespace_name_and_uid() -> None:
    """A namespace left out is `default` (kubectl); pod-resources has the first two, the managers go by the uid."""
    found = pod_request(pod({"containers": [{"name": "c"}]}, namespace="ml"))
    plain = pod_request(pod({"containers": [{"name": "c"}]}))

    assert ("ml", "p", "u") == (found.namespace, found.name, found.uid)
    assert "default" == plain.namespace


def test_requests_left_out_are_the_limits() -> None:
    """SetDefaults_Pod, per resource: the memory request that stands there stays."""
    limits = {"cpu": "2", "memory": "128Mi", "example.com/gpu": "1"}

    found = pod_request(one({"limits": limits, "requests": {"memory": "64Mi"}})).containers[0]

    assert Amounts(2000, 64 * MIB) == found.requests
    assert Amounts(2000, 128 * MIB) == found.limits
    assert {"example.com/gpu": 1} == found.devices


def test_requests_alone_are_no_limits() -> None:
    """Defaulting goes one way; without limits the pod is Burstable (ComputePodQOS)."""
    found = pod_request(one({"requests": {"cpu": "2"}}))

    assert Amounts(2000, 0) == found.containers[0].requests
    assert Amounts() == found.containers[0].limits
    assert Qos.BURSTABLE == found.qos


@pytest.mark.parametrize("resources", [None, {}, {"limits": None, "requests": None}])
def test_a_container_that_asks_for_nothing_is_best_effort(resources: object) -> None:
    """Empty and null are the same in a Kubernetes object."""
    found = pod_request(one(resources))

    assert Amounts() == found.containers[0].requests
    assert Qos.BEST_EFFORT == found.qos


def test_numbers_are_amounts_as_texts_are() -> None:
    """JSON may have `2` and `0.5` where a quantity stands (resource.Quantity UnmarshalJSON)."""
    found = pod_request(one({"limits": {"cpu": 0.5, "memory": 1024, "example.com/gpu": 2}})).containers[0]

    assert Amounts(500, 1024) == found.limits
    assert {"example.com/gpu": 2} == found.devices


def test_huge_pages_and_devices_are_told_apart() -> None:
    """Huge pages are the memory manager's, names with a slash are plugins', ephemeral storage is ignored."""
    limits = {"hugepages-2Mi": "4Mi", "example.com/gpu": "1", "ephemeral-storage": "1.5Gi", "odd": "3"}

    found = pod_request(one({"limits": limits})).containers[0]

    assert {"hugepages-2Mi": 4 * MIB} == found.hugepages
    assert {"example.com/gpu": 1} == found.devices


def test_init_containers_come_first_and_restartable_ones_are_sidecars() -> None:
    """A restartPolicy of Always makes a sidecar of an init container (KEP-753), and means nothing on the others."""
    found = pod_request(
        pod(
            {
                "containers": [{"name": "app", "restartPolicy": "Always"}],
                "initContainers": [{"name": "init"}, {"name": "side", "restartPolicy": "Always"}],
            }
        )
    )

    assert [("init", Kind.INIT), ("side", Kind.SIDECAR), ("app", Kind.APP)] == [
        (each.name, each.kind) for each in found.containers
    ]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"cpu": "two"}, "'two' is not a number of CPUs"),
        ({"memory": "much"}, "'much' is not a size"),
        ({"example.com/gpu": "one"}, "'one' is not a size"),
    ],
)
def test_an_amount_that_is_none_is_named(limits: dict[str, str], text: str) -> None:
    """The text is shown in the status of a pod that a user has to correct."""
    with pytest.raises(ValueError, match=text):
        pod_request(one({"limits": limits}))


@pytest.mark.parametrize("broken", [{}, {"metadata": {"name": "p", "uid": "u"}}, pod({}), pod({"containers": [{}]})])
def test_an_object_that_is_no_pod_is_a_key_error(broken: dict[str, Any]) -> None:
    """What a pod cannot be without: metadata, a spec, containers, their names."""
    with pytest.raises(KeyError):
        pod_request(broken)


def test_each_container_refers_to_the_claims_it_names() -> None:
    """Two requests of one claim are one reference; a container may refer to none (resourceclaim.Name)."""
    entry = {"name": "a", "request": "r1"}
    found = claims_by_container(
        pod(
            {
                "resourceClaims": [{"name": "a", "resourceClaimName": "lane"}, {"name": "b", "resourceClaimName": "w"}],
                "initContainers": [{"name": "init", "resources": {"claims": [{"name": "b"}]}}],
                "containers": [
                    {"name": "both", "resources": {"claims": [entry, {"name": "b"}, {"name": "a", "request": "r2"}]}},
                    {"name": "none", "resources": None},
                ],
            }
        )
    )

    assert {"init": ("w",), "both": ("lane", "w"), "none": ()} == found


def test_a_claim_made_from_a_template_is_named_in_the_status() -> None:
    """status.resourceClaimStatuses has the generated name; until it is there the container refers to nothing."""
    spec = {
        "resourceClaims": [{"name": "a", "resourceClaimTemplateName": "t"}],
        "containers": [{"name": "c", "resources": {"claims": [{"name": "a"}]}}],
    }
    made = {"resourceClaimStatuses": [{"name": "a", "resourceClaimName": "p-a-x7k2"}]}

    assert {"c": ("p-a-x7k2",)} == claims_by_container({**pod(spec), "status": made})
    assert {"c": ()} == claims_by_container(pod(spec))
