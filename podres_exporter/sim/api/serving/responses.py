"""Route a request to its response, independent of the connection."""

from podres_exporter.sim.api.http.answer import Answer, Form, document_answer, negotiate, text_answer
from podres_exporter.sim.api.http.options import parse_list_options, parse_version
from podres_exporter.sim.api.http.request import Request, Target
from podres_exporter.sim.api.reads.pages import list_page
from podres_exporter.sim.api.reads.versions import in_version, selectable, served_versions
from podres_exporter.sim.api.reads.watch import View
from podres_exporter.sim.api.serving.access import refuse_access, review_access
from podres_exporter.sim.api.serving.discovery import ACCESS_GROUP, ACCESS_REVIEWS, discover
from podres_exporter.sim.api.serving.fault_kinds import Fail
from podres_exporter.sim.api.serving.proxy import PROXY, proxied
from podres_exporter.sim.api.serving.state import ServerState
from podres_exporter.sim.api.storage.objects import Object
from podres_exporter.sim.api.storage.resources import RESOURCES
from podres_exporter.sim.api.storage.status import (
    StatusError,
    expired,
    method_not_allowed,
    no_such_resource,
    too_large_version,
    unauthorized,
)
from podres_exporter.sim.api.tables.rows import as_table
from podres_exporter.sim.api.writes.merge_patch import patch
from podres_exporter.sim.api.writes.verbs import create, delete, update

_REVIEW_PATH = f"/apis/{ACCESS_GROUP}/v1/{ACCESS_REVIEWS}"


def respond(state: ServerState, request: Request) -> Answer | View:
    """Return the answer, or for a watch what it shows. Raises StatusError for every refusal."""
    if request.path.rstrip("/") == _REVIEW_PATH:
        if request.method != "POST":
            raise method_not_allowed()
        return document_answer(review_access(request, state.faults), 201)
    target = request.target
    if target is None:
        return _discovered(state, request)
    if target.subresource == PROXY:
        return proxied(state, request, target)
    if target.subresource:
        raise no_such_resource(f"{target.resource.plural}/{target.subresource}")
    return _respond_to_resource(state, request, target)


def _discovered(state: ServerState, request: Request) -> Answer:
    """Return a document of discovery."""
    answer = discover(request.path, state.version) if request.method == "GET" else None
    if answer is not None:
        return answer
    if request.path.startswith("/api"):
        raise no_such_resource(_unknown_resource(request.path))
    return text_answer("404 page not found\n", 404)


def _unknown_resource(path: str) -> str:
    """Return the resource that a path names below its group and version; empty where that is none or is served."""
    group, _, rest = path.strip("/").partition("/")
    names = rest.split("/")[1 if group == "api" else 2 :]
    is_namespaced = names[:1] == ["namespaces"] and len(names) > 2
    name = next(iter(names[2:] if is_namespaced else names), "")
    return "" if name in {each.plural for each in RESOURCES} else name


def _respond_to_resource(state: ServerState, request: Request, target: Target) -> Answer | View:
    """Return what the verb does to the object or the collection."""
    if target.version not in served_versions(target.resource.group, state.version):
        raise no_such_resource()
    form = negotiate(request.headers.get("accept", ""))
    if request.verb not in target.resource.verbs:
        raise method_not_allowed(f"{request.verb} of {target.resource.plural}")
    match request.verb:
        case "list":
            return _list(state, request, target, form)
        case "watch":
            options = parse_list_options(selectable(target.resource, state.version), request.query, is_watch=True)
            include = request.query.get("includeObject", "Metadata")
            return View(target.resource, target.namespace, options, form, include, target.version)
        case "create":
            if target.name is not None or (target.resource.is_namespaced and not target.namespace):
                raise method_not_allowed()
            return _object_answer(state, request, target, form, create(state.store, request, target), 201)
        case _:
            return _object_answer(state, request, target, form, _one_object(state, request, target), 200)


def _one_object(state: ServerState, request: Request, target: Target) -> Object:
    """Return the object that a request names, after what it does to it."""
    match request.verb:
        case "get":
            return _get(state, request, target)
        case "update":
            return update(state.store, request, target)
        case "patch":
            return patch(state.store, request, target)
        case "delete":
            return delete(state.store, state.clock, request, target)
        case _:
            raise method_not_allowed()


def _get(state: ServerState, request: Request, target: Target) -> Object:
    """Return the object that is asked for; a version asks for one at least as new."""
    version = parse_version(request.query)
    if version and version > state.store.version:
        raise too_large_version(version, state.store.version)
    return state.store.get(target.resource, target.namespace or "", target.name or "")


def _object_answer(state: ServerState, request: Request, target: Target, form: Form, item: Object, code: int) -> Answer:
    """Return one object, as a table where the client wants that."""
    if form.is_table:
        include = request.query.get("includeObject", "Metadata")
        item = as_table(target.resource, [item], item["metadata"], state.clock.wall_seconds(), include)
    else:
        item = in_version(item, target.resource, target.version)
    return document_answer(item, code, request.headers.get("accept-encoding", ""))


def _list(state: ServerState, request: Request, target: Target, form: Form) -> Answer:
    """Return a list; its objects do not repeat their kind, for the list says it."""
    resource = target.resource
    options = parse_list_options(selectable(resource, state.version), request.query, is_watch=False)
    page = list_page(state.store, resource, target.namespace, options)
    if form.is_table:
        include = request.query.get("includeObject", "Metadata")
        document = as_table(resource, page.items, page.metadata, state.clock.wall_seconds(), include)
    else:
        versioned = (in_version(each, resource, target.version) for each in page.items)
        kindless = ({name: each[name] for name in each if name not in {"kind", "apiVersion"}} for each in versioned)
        document = {
            "kind": f"{resource.kind}List",
            "apiVersion": f"{resource.group}/{target.version}" if resource.group else target.version,
            "metadata": page.metadata,
            "items": list(kindless),
        }
    return document_answer(document, 200, request.headers.get("accept-encoding", ""))


_TEXTS = {
    500: "Internal error occurred: simulated fault",
    503: "the server is currently unable to handle the request",
    504: "Timeout: request did not complete within the allotted timeout",
}


def fail(state: ServerState, request: Request, fault: Fail) -> None:
    """Raise the StatusError that a fault stands for, in the words that the real server has for the code."""
    match fault.code:
        case 401:
            raise unauthorized()
        case 403:
            refuse_access(request, state.user, fault.missing_roles)
        case 404:
            raise no_such_resource()
        case 410:
            asked, current = parse_version(request.query) or 0, state.store.version
            raise expired(f"too old resource version: {asked} ({current})")
        case _:
            text = _TEXTS.get(fault.code, "simulated fault")
            raise StatusError(fault.code, text, retry_after_seconds=fault.retry_after_seconds)
