"""Whole answers of the API server: a list of pods, or one line of a watch."""

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
"""Seconds: retryAfterSeconds is an int32 (metav1 StatusDetails), and no float holds whatever digits JSON may have."""

_LIST, _EVENT, _STUB, _STATUS = Decoder(ListFrame), Decoder(EventFrame), Decoder(Stub), Decoder(Status)


def decode_list(body: bytes, decoder: PodDecoder) -> PodList:
    """
    Return the pods of a list in its order; a pod that cannot be used is left out and named.

    Raises ApiServerError (malformed) where the body is no list.
    """
    try:
        frame = _LIST.decode(body)
    except UNREADABLE as error:
        detail = f"{len(body)} bytes are no list of pods: {pod_error(error)}"
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
    Return what one line of a watch says.

    Raises ApiServerError (malformed) where the line is no event; it may have been cut short.
    """
    try:
        frame = _EVENT.decode(line)
    except UNREADABLE as error:
        detail = f"{len(line)} bytes are no event: {pod_error(error)}"
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
    """Return which pod is gone; what else its last state says does not matter."""
    pod = _identity(raw)
    if not (pod.namespace and pod.name):
        return Unusable("object.metadata", "has no namespace and name that can be read", pod.resource_version)
    return Deleted((pod.namespace, pod.name), pod.uid, pod.resource_version)


def _failed(raw: Raw) -> Failed:
    """Return the error; the watch is over whether or not its object is a Status."""
    try:
        status = _STATUS.decode(raw)
    except UNREADABLE as error:
        return Failed(0, "", f"its object is no Status: {pod_error(error)}")
    wait = (status.details or StatusDetails()).retry_after_seconds
    return Failed(
        status.code,
        status.reason,
        status.message[:LONGEST_MESSAGE],
        float(min(wait, _LONGEST_WAIT)) if wait > 0 else None,
    )


def _identity(raw: Raw) -> Identity:
    """Return as much as can be read of who an object is, if nothing else of it can."""
    try:
        return _STUB.decode(raw).metadata
    except UNREADABLE:
        return Identity()


def fault_below(path: str, raw: Raw, error: PodError) -> Malformed:
    """Return the fault with its path below *path*, and the pod's name where that can be read."""
    pod = _identity(raw)
    name = f"pod {pod.namespace}/{pod.name}: " if pod.namespace and pod.name else ""
    return Malformed(f"{path}.{error.path}" if error.path else path, name + error.problem)
