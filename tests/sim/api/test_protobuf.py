"""Bodies in protobuf, as typed clients of Go send them: ResourceSlices of DRA drivers, and options of deletions."""

from typing import Any

import pytest
from api_rig import Client

from podres_exporter._proto import api_bodies_pb2 as pb
from podres_exporter.sim.api import PODS, Store

PATH = "/apis/resource.k8s.io/v1/resourceslices"
HEADERS = {
    "Content-Type": "application/vnd.kubernetes.protobuf",
    "Accept": "application/vnd.kubernetes.protobuf,application/json",
}


def body(message: Any, api_version: str = "resource.k8s.io/v1", kind: str = "ResourceSlice") -> bytes:
    """Return the body as apimachinery writes it: a prefix, and the object in an envelope with its type."""
    type_meta = pb.TypeMeta(apiVersion=api_version, kind=kind).SerializeToString()
    return b"k8s\x00" + pb.Unknown(typeMeta=type_meta, raw=message.SerializeToString()).SerializeToString()


def resource_slice(name: str = "n1-gpu-x7k2p", generation: int = 1) -> pb.ResourceSlice:
    """Return a slice with every kind of field; empty texts and zeros stand where Go has no pointers."""
    quantity = pb.Quantity
    return pb.ResourceSlice(
        metadata=pb.ObjectMeta(
            name=name,
            generateName="",
            namespace="",
            uid="",
            resourceVersion="",
            generation=0,
            creationTimestamp=pb.Time(seconds=0),
            ownerReferences=[pb.OwnerReference(apiVersion="v1", kind="Node", name="n1", uid="u1", controller=True)],
        ),
        spec=pb.ResourceSliceSpec(
            driver="gpu.example.com",
            nodeName="n1",
            pool=pb.ResourcePool(name="n1", generation=generation, resourceSliceCount=1),
            sharedCounters=[pb.CounterSet(name="c", counters={"memory": pb.Counter(value=quantity(string="80Gi"))})],
            devices=[
                pb.Device(
                    name="gpu-0",
                    attributes={
                        "uuid": pb.DeviceAttribute(string="GPU-0"),
                        "index": pb.DeviceAttribute(int=0),
                        "driverVersion": pb.DeviceAttribute(version="1.0.0"),
                        "virtual": pb.DeviceAttribute(bool=False),
                        "numaNodes": pb.DeviceAttribute(ints=[0, 1]),
                    },
                    capacity={
                        "memory": pb.DeviceCapacity(
                            value=quantity(string="80Gi"),
                            requestPolicy=pb.CapacityRequestPolicy(
                                default=quantity(string="1Gi"),
                                validRange=pb.CapacityRequestPolicyRange(min=quantity(string="1Gi")),
                            ),
                        )
                    },
                    taints=[pb.DeviceTaint(key="sick", value="", effect="NoSchedule", timeAdded=pb.Time(seconds=1))],
                    allowMultipleAllocations=True,
                )
            ],
        ),
    )


SPEC = {
    "driver": "gpu.example.com",
    "nodeName": "n1",
    "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
    "sharedCounters": [{"name": "c", "counters": {"memory": {"value": "80Gi"}}}],
    "devices": [
        {
            "name": "gpu-0",
            "attributes": {
                "uuid": {"string": "GPU-0"},
                "index": {"int": 0},
                "driverVersion": {"version": "1.0.0"},
                "virtual": {"bool": False},
                "numaNodes": {"ints": [0, 1]},
            },
            "capacity": {
                "memory": {"value": "80Gi", "requestPolicy": {"default": "1Gi", "validRange": {"min": "1Gi"}}}
            },
            "taints": [{"key": "sick", "effect": "NoSchedule", "timeAdded": "1970-01-01T00:00:01Z"}],
            "allowMultipleAllocations": True,
        }
    ],
}


def test_a_slice_is_published_replaced_and_deleted(client: Client) -> None:
    """As JSON would have it; the answer is JSON, which such clients take too."""
    created = client.call("POST", PATH, body(resource_slice()), HEADERS)
    assert (201, SPEC) == (created.code, created.json["spec"])
    metadata = created.json["metadata"]
    assert ["n1-gpu-x7k2p", "Node"] == [metadata["name"], metadata["ownerReferences"][0]["kind"]]

    newer = resource_slice(generation=2)
    newer.metadata.resourceVersion = metadata["resourceVersion"]
    assert 200 == client.call("PUT", f"{PATH}/{newer.metadata.name}", body(newer), HEADERS).code
    assert 409 == client.call("PUT", f"{PATH}/{newer.metadata.name}", body(newer), HEADERS).code
    assert 2 == client.get(f"{PATH}/{newer.metadata.name}").json["spec"]["pool"]["generation"]

    options = body(pb.DeleteOptions(), "v1", "DeleteOptions")
    assert 200 == client.call("DELETE", f"{PATH}/{newer.metadata.name}", options, HEADERS).code
    assert 404 == client.get(f"{PATH}/{newer.metadata.name}").code


def test_a_slice_without_a_name_gets_one(client: Client) -> None:
    """Drivers give the beginning of a name only."""
    nameless = resource_slice("")
    nameless.metadata.generateName = "n1-gpu-"

    assert client.call("POST", PATH, body(nameless), HEADERS).json["metadata"]["name"].startswith("n1-gpu-")


def test_the_options_of_a_deletion_count(store: Store, client: Client) -> None:
    """As drain and controllers send them: the instance that is meant, and how long its containers have."""
    uid = store.create(PODS, {"metadata": {"namespace": "default", "name": "a"}, "spec": {}}).item["metadata"]["uid"]
    path = "/api/v1/namespaces/default/pods/a"
    other = pb.DeleteOptions(preconditions=pb.Preconditions(uid="another"))

    assert 409 == client.call("DELETE", path, body(other, "v1", "DeleteOptions"), HEADERS).code
    own = pb.DeleteOptions(gracePeriodSeconds=0, preconditions=pb.Preconditions(uid=uid))
    assert 200 == client.call("DELETE", path, body(own, "v1", "DeleteOptions"), HEADERS).code
    assert 404 == client.get(path).code


@pytest.mark.parametrize(
    "wrong",
    [b"", b"{}", b"k8s\x00", b"k8s\x00\xff", b"k8s\x00\x12\x02\x08\x01", body(resource_slice(), kind="Pod")],
    ids=["nothing", "JSON", "an empty envelope", "no protobuf", "another message", "another kind"],
)
def test_what_is_no_slice_is_a_bad_request(client: Client, wrong: bytes) -> None:
    """And nothing is stored."""
    reply = client.call("POST", PATH, wrong, HEADERS)

    assert reply.code in {400, 422}
    assert [] == client.get(PATH).json["items"]


def test_kinds_that_are_not_known_in_protobuf_are_refused_by_media_type(client: Client) -> None:
    """Pods for one: what is not understood whole is not stored in part."""
    reply = client.call("POST", "/api/v1/namespaces/default/pods", body(pb.ResourceSlice(), "v1", "Pod"), HEADERS)

    assert (415, "UnsupportedMediaType") == (reply.code, reply.json["reason"])
