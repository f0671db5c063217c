"""Decode lists of pods and nodes, only the fields needed to find exporters."""

from msgspec import field
from msgspec.json import Decoder

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.podmeta.faults import UNREADABLE, pod_error
from podres_exporter.podmeta.records import Wire


class Port(Wire):
    """One port of a container."""

    name: str = ""
    container_port: int = 0


class Container(Wire):
    """One container."""

    ports: list[Port] | None = None


class Spec(Wire):
    """The pod's node and its containers' ports."""

    node_name: str = ""
    containers: list[Container] | None = None


class Condition(Wire):
    """One condition of the pod."""

    type: str = ""
    status: str = ""
    message: str = ""


class Status(Wire):
    """How the pod is."""

    phase: str = ""
    start_time: str | None = None
    conditions: list[Condition] | None = None


class Owner(Wire):
    """One owner of a pod, as the pod names it."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Meta(Wire):
    """An object's identity."""

    namespace: str = ""
    name: str = ""
    deletion_timestamp: str | None = None
    uid: str = ""
    creation_timestamp: str | None = None
    owner_references: list[Owner] | None = None


class ListedPod(Wire):
    """A pod."""

    metadata: Meta
    spec: Spec = field(default_factory=Spec)
    status: Status = field(default_factory=Status)

    @property
    def is_ready(self) -> bool:
        """Whether the pod is ready."""
        return any((each.type, each.status) == ("Ready", "True") for each in self.status.conditions or ())

    @property
    def unscheduled(self) -> str:
        """Why the scheduler has found no node for it; empty if not stated."""
        reasons = (each.message for each in self.status.conditions or () if each.type == "PodScheduled")
        return "" if self.spec.node_name else next(reasons, "")


class ListMeta(Wire):
    """Where the rest of the list continues; empty at the end."""

    next_page: str = field(default="", name="continue")


class Page(Wire):
    """One page of a list; Go writes null for no items."""

    items: list[ListedPod] | None
    metadata: ListMeta = field(default_factory=ListMeta)


class NamedObject(Wire):
    """Any object, without its content."""

    metadata: Meta


class NodePage(Wire):
    """One page of a list of nodes."""

    items: list[NamedObject] | None
    metadata: ListMeta = field(default_factory=ListMeta)


_PAGE, _NODE_PAGE, _OBJECT = Decoder(Page), Decoder(NodePage), Decoder(NamedObject)


def read_page(body: bytes) -> Page:
    """Return one page of a list of pods. Raises ApiServerError (malformed) if it is not one."""
    try:
        return _PAGE.decode(body)
    except UNREADABLE as error:
        raise _malformed(body, "pods", error) from error


def read_node_page(body: bytes) -> NodePage:
    """Return one page of a list of nodes. Raises ApiServerError (malformed) if it is not one."""
    try:
        return _NODE_PAGE.decode(body)
    except UNREADABLE as error:
        raise _malformed(body, "nodes", error) from error


def read_object(body: bytes) -> NamedObject:
    """Return an object's identity. Raises ApiServerError (malformed) if it is not an object."""
    try:
        return _OBJECT.decode(body)
    except UNREADABLE as error:
        raise _malformed(body, "objects", error) from error


def _malformed(body: bytes, what: str, error: Exception) -> ApiServerError:
    return ApiServerError("list", Reason.MALFORMED, f"{len(body)} bytes are not a list of {what}: {pod_error(error)}")
