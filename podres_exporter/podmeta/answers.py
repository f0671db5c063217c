"""Decode whole API server answers: a list of pods, or one watch event."""

from msgspec import Raw
from msgspec.json import Decoder

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import Malformed
from podres_exporter.podmeta.containers import LONGEST_MESSAGE
from podres_exporter.podmeta.events import (
    Bookmark,
    Changed,
    Deleted,
    Event,
    Failed,
    Foreign,
    PodList,
    Unknown,
    Unusable,
)
from podres_exporter.podmeta.faults import UNREADABLE, ForeignPodError, PodError, pod_error
from podres_exporter.podmeta.pod import PodDecoder
from podres_exporter.podmeta.records import EventFrame, Identity, ListFrame, ListMeta, Status, StatusDetails, Stub

_LONGEST_WAIT = 2**31 - 1
"""Maximum in seconds: retryAfterSeconds is an int32 (metav1 StatusDetails), while JSON allows any number of digits."""

_LIST, _EVENT, _STUB, _STATUS = Decoder(ListFrame), Decoder(EventFrame), Decoder(Stub), Decoder(Status)


def decode_list(body: bytes, decoder: PodDecoder) -> PodList:
    """
    Return the pods of a list in order; unusable pods are left out and reported.

    Raises ApiServerError (malformed) if the body is not a list.
    """
    try:
        frame = _LIST.decode(body)
    except UNREADABLE as error:
        detail = f"{len(body)} bytes are not a list of pods: {pod_error(error)}"
        raise ApiServerError("list", Reason.MALFORMED, detail) from error
    pods, malformed, foreign = [], [], 0
    for index, item in enumerate(frame.items or ()):
        try:
            pods.append(decoder.decode(item))
        except ForeignPodError:
            foreign += 1
        except PodError as error:
            malformed.append(fault_below(f"items[{index}]", item, error))
    return PodList(tuple(pods), (frame.metadata or ListMeta()).resource_version, tuple(malformed), foreign)


def decode_event(line: bytes, decoder: PodDecoder) -> Event:
    """
    Return one watch event.

    Raises ApiServerError (malformed) if the line is not an event; it may have been truncated.
    """
    try:
        frame = _EVENT.decode(line)
    except UNREADABLE as error:
        detail = f"{len(line)} bytes are not a watch event: {pod_error(error)}"
        raise ApiServerError("watch", Reason.MALFORMED, detail) from error
    match frame.type:
        case "ADDED" | "MODIFIED":
            return _changed(frame.object, decoder)
        case "DELETED":
            return _deleted(frame.object)
        case "BOOKMARK":
            return Bookmark(_identity(frame.object).resource_version)
        case "ERROR":
            return _failed(frame.object)
        case unknown:
            return Unknown(unknown)


def _changed(raw: Raw, decoder: PodDecoder) -> Changed | Foreign | Unusable:
    try:
        return Changed(decoder.decode(raw))
    except ForeignPodError as error:
        return Foreign(error.resource_version)
    except PodError as error:
        fault = fault_below("object", raw, error)
        return Unusable(fault.path, fault.problem, _identity(raw).resource_version)


def _deleted(raw: Raw) -> Deleted | Unusable:
    """Return which pod was deleted; the rest of its last state does not matter."""
    pod = _identity(raw)
    if not (pod.namespace and pod.name):
        return Unusable("object.metadata", "has no readable namespace and name", pod.resource_version)
    return Deleted((pod.namespace, pod.name), pod.uid, pod.resource_version)


def _failed(raw: Raw) -> Failed:
    """Return the error event; the watch is over whether or not its object is a Status."""
    try:
        status = _STATUS.decode(raw)
    except UNREADABLE as error:
        return Failed(0, "", f"its object is not a Status: {pod_error(error)}")
    wait = (status.details or StatusDetails()).retry_after_seconds
    return Failed(
        status.code,
        status.reason,
        status.message[:LONGEST_MESSAGE],
        float(min(wait, _LONGEST_WAIT)) if wait > 0 else None,
    )


def _identity(raw: Raw) -> Identity:
    """Return an object's identity as far as it can be read, when the rest cannot."""
    try:
        return _STUB.decode(raw).metadata
    except UNREADABLE:
        return Identity()


def fault_below(path: str, raw: Raw, error: PodError) -> Malformed:
    """Return the fault with its path below *path*, and the pod's name if readable."""
    pod = _identity(raw)
    name = f"pod {pod.namespace}/{pod.name}: " if pod.namespace and pod.name else ""
    return Malformed(f"{path}.{error.path}" if error.path else path, name + error.problem)
