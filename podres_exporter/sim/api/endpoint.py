"""What a request is answered, without the connection."""

from podres_exporter.sim.api.access import refuse_access, review_access
from podres_exporter.sim.api.answer import Answer, Form, document_answer, negotiate, text_answer
from podres_exporter.sim.api.discovery import ACCESS_GROUP, ACCESS_REVIEWS, discover
from podres_exporter.sim.api.faultkinds import Fail
from podres_exporter.sim.api.objects import Object
from podres_exporter.sim.api.options import parse_list_options, parse_version
from podres_exporter.sim.api.pages import list_page
from podres_exporter.sim.api.proxy import PROXY, proxied
from podres_exporter.sim.api.request import Request, Target
from podres_exporter.sim.api.site import Site
from podres_exporter.sim.api.status import (
    StatusError,
    expired,
    method_not_allowed,
    no_such_resource,
    too_large_version,
    unauthorized,
)
from podres_exporter.sim.api.tables import as_table
from podres_exporter.sim.api.versions import in_version, served_versions
from podres_exporter.sim.api.watch import View
from podres_exporter.sim.api.writes import create, delete

_REVIEW_PATH = f"/apis/{ACCESS_GROUP}/v1/{ACCESS_REVIEWS}"


def respond(site: Site, request: Request) -> Answer | View:
    """Return the answer, or for a watch what it shows. Raises StatusError for every refusal."""
    if request.path.rstrip("/") == _REVIEW_PATH:
        if request.method != "POST":
            raise method_not_allowed()
        return document_answer(review_access(request, site.faults), 201)
    target = request.target
    if target is None:
        return _discovered(site, request)
    if target.subresource == PROXY:
        return proxied(site, request, target)
    if target.subresource:
        raise no_such_resource()
    return _respond_to_resource(site, request, target)


def _discovered(site: Site, request: Request) -> Answer:
    """Return a document of discovery."""
    answer = discover(request.path, site.version) if request.method == "GET" else None
    if answer is not None:
        return answer
    if request.path.startswith("/api"):
        raise no_such_resource()
    return text_answer("404 page not found\n", 404)


def _respond_to_resource(site: Site, request: Request, target: Target) -> Answer | View:
    """Return what the verb does to the object or the collection."""
    if target.version not in served_versions(target.resource.group, site.version):
        raise no_such_resource()
    form = negotiate(request.headers.get("accept", ""))
    match request.verb:
        case "get":
            item = _get(site, request, target)
            return _object_answer(site, request, target, form, item, 200)
        case "list":
            return _list(site, request, target, form)
        case "watch":
            options = parse_list_options(target.resource, request.query, is_watch=True)
            include = request.query.get("includeObject", "Metadata")
            return View(target.resource, target.namespace, options, form, include, target.version)
        case "create" if target.name is None and (target.namespace or not target.resource.is_namespaced):
            return _object_answer(site, request, target, form, create(site.store, request, target), 201)
        case "delete":
            return _object_answer(site, request, target, form, delete(site.store, request, target), 200)
        case _:
            raise method_not_allowed()


def _get(site: Site, request: Request, target: Target) -> Object:
    """Return the object that is asked for; a version asks for one at least as new."""
    version = parse_version(request.query)
    if version and version > site.store.version:
        raise too_large_version(version, site.store.version)
    return site.store.get(target.resource, target.namespace or "", target.name or "")


def _object_answer(site: Site, request: Request, target: Target, form: Form, item: Object, code: int) -> Answer:
    """Return one object, as a table where the client wants that."""
    if form.is_table:
        include = request.query.get("includeObject", "Metadata")
        item = as_table(target.resource, [item], item["metadata"], site.clock.wall_seconds(), include)
    else:
        item = in_version(item, target.resource, target.version)
    return document_answer(item, code, request.headers.get("accept-encoding", ""))


def _list(site: Site, request: Request, target: Target, form: Form) -> Answer:
    """Return a list; its objects do not repeat their kind, for the list says it."""
    resource = target.resource
    options = parse_list_options(resource, request.query, is_watch=False)
    page = list_page(site.store, resource, target.namespace, options)
    if form.is_table:
        include = request.query.get("includeObject", "Metadata")
        document = as_table(resource, page.items, page.metadata, site.clock.wall_seconds(), include)
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


def fail(site: Site, request: Request, fault: Fail) -> None:
    """Raise the StatusError that a fault stands for, in the words that the real server has for the code."""
    match fault.code:
        case 401:
            raise unauthorized()
        case 403:
            refuse_access(request, site.user, fault.missing_roles)
        case 404:
            raise no_such_resource()
        case 410:
            asked, current = parse_version(request.query) or 0, site.store.version
            raise expired(f"too old resource version: {asked} ({current})")
        case _:
            text = _TEXTS.get(fault.code, "simulated fault")
            raise StatusError(fault.code, text, retry_after_seconds=fault.retry_after_seconds)
