"""The `proxy` subresource of pods: forward a GET to the pod."""

from urllib.parse import urlencode

from podres_exporter.sim.api.http.answer import Answer, text_answer
from podres_exporter.sim.api.http.request import Request, Target
from podres_exporter.sim.api.serving.backends import Backend, Inquiry, passed_on
from podres_exporter.sim.api.serving.state import ServerState
from podres_exporter.sim.api.storage.objects import Object, at
from podres_exporter.sim.api.storage.resources import PODS
from podres_exporter.sim.api.storage.status import StatusError, bad_request, method_not_allowed, no_such_resource

PROXY = "proxy"


def proxied(state: ServerState, request: Request, target: Target) -> Answer:
    """
    Return what the pod answers; its own errors pass as they are.

    Raises StatusError: 400 for a name that is none, or a pod without an address, 404 where there is no such pod, 503
    where it cannot be reached.

    Source: registry/core/pod ResourceLocation; apimachinery util/proxy Transport.RoundTrip and UpgradeAwareHandler.
    """
    if target.resource != PODS:
        raise no_such_resource()
    if request.method != "GET":
        raise method_not_allowed()
    scheme, name, port = _split(target.name or "")
    pod = state.store.get(PODS, target.namespace or "", name)
    address = at(pod, "status.podIP")
    if not address:
        raise bad_request("address not allowed")
    if not target.path:
        return text_answer("", 301, {"Location": f"{request.path}/"})
    query = f"?{urlencode(dict(request.query))}" if request.query else ""
    backend = state.backends.get(target.namespace or "", name) or _nobody(f"{address}:{port or _first_port(pod)}")
    try:
        return backend(Inquiry(scheme, port, f"{target.path}{query}", passed_on(request.headers)))
    except OSError as error:
        raise StatusError(503, f"error trying to reach service: {error}") from error


def _nobody(address: str) -> Backend:
    """Return the backend of a pod without a listener, with the error of Go's net package."""

    def refuse(_: Inquiry) -> Answer:
        raise ConnectionRefusedError(f"dial tcp {address}: connect: connection refused")

    return refuse


def _split(text: str) -> tuple[str, str, str]:
    """
    Return scheme, name and port of `NAME`, `NAME:PORT` or `https:NAME:PORT`; the port of the last may be empty.

    Raises StatusError 400. Source: apimachinery util/net SplitSchemeNamePort.
    """
    match text.split(":"):
        case [name]:
            parts = ("", name, "")
        case [name, port]:
            parts = ("", name, port)
        case [scheme, name, port] if scheme in {"http", "https"}:
            parts = (scheme, name, port)
        case _:
            parts = ("", "", "")
    if not parts[1]:
        raise bad_request(f'invalid pod request "{text}"')
    return (parts[0] or "http", *parts[1:])


def _first_port(pod: Object) -> str:
    """Return the number of the pod's first port; without any, that of its scheme."""
    ports = (port for container in at(pod, "spec.containers") or () for port in container.get("ports") or ())
    return next((str(port["containerPort"]) for port in ports), "80")
