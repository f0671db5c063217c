"""Decode the events of WatchPods."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from podres_exporter._proto import pods_v1alpha1_pb2 as pb
from podres_exporter.model import PodKey
from podres_exporter.podmeta import PodDecoder, PodError
from podres_exporter.podsapi.pod_bytes import ReceivedPod, decode_instance, decode_pod


@dataclass(frozen=True, slots=True)
class Reported:
    """A pod's current state (ADDED, MODIFIED)."""

    pod: ReceivedPod


@dataclass(frozen=True, slots=True)
class Ended:
    """
    A pod has ended (DELETED).

    It may still exist: the kubelet sends this when none of a pod's containers runs any longer, for Job pods too.

    Source: status_manager.go TerminatePod, OnPodRemoved.
    """

    key: PodKey
    uid: str


@dataclass(frozen=True, slots=True)
class Synced:
    """All pods known to the kubelet when the stream was opened have been sent (INITIAL_SYNC_COMPLETE)."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """An event whose pod cannot be used; *key* is the pod's name, as far as readable."""

    key: PodKey
    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type that a newer kubelet may send."""

    type: int


Event = Reported | Ended | Synced | Unusable | Unknown


def decode_event(data: bytes, decoder: PodDecoder) -> Event:
    """Return the decoded event."""
    try:
        event = pb.WatchPodsEvent.FromString(data)
    except DecodeError:
        return Unusable(("", ""), "", f"{len(data)} bytes are not a WatchPodsEvent")
    match event.type:
        case pb.ADDED | pb.MODIFIED:
            return _said(event.pod, decoder)
        case pb.DELETED:
            instance = decode_instance(event.pod)
            if not all(instance.key):
                return Unusable(instance.key, "pod.metadata", "has no readable namespace and name")
            return Ended(instance.key, instance.uid)
        case pb.INITIAL_SYNC_COMPLETE:
            return Synced()
        case unknown:
            return Unknown(unknown)


def _said(data: bytes, decoder: PodDecoder) -> Reported | Unusable:
    try:
        return Reported(decode_pod(data, decoder))
    except PodError as error:
        key = decode_instance(data).key
        name = f"pod {key[0]}/{key[1]}: " if all(key) else ""
        return Unusable(key, f"pod.{error.path}" if error.path else "pod", name + error.problem)
