"""Findings on the exporter's permissions at the API server (RBAC), and what its errors say of them."""

import re

from podres_exporter.check.evidence import AccessAnswer, ApiServer, PodsAnswer
from podres_exporter.check.finding import Facts, Finding, failed, note, ok, skipped, warning
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.printable import printable

_STRANGE = frozenset({Reason.MALFORMED, Reason.TOO_LARGE})
_HTTP = re.compile(r"HTTP ([0-9]{3})")
_POOL = re.compile(r"^\w+\(host=[^)]*\): ")
"""The prefixes of urllib3's messages."""


def http_code(error: object) -> int | None:
    """Return the HTTP status of a refusal, None if it is not one."""
    found = _HTTP.search(error.detail) if isinstance(error, ApiServerError) else None
    return int(found[1]) if found else None


def said(error: ApiServerError) -> str:
    """Return the error's own text, safe to print, without the name of the request."""
    return printable(_POOL.sub("", error.detail.removeprefix(f"{error.verb}: ")))


def is_answer(each: AccessAnswer | PodsAnswer | ApiServerError | None) -> bool:
    """Return whether a request was answered, even if with a refusal or something unintelligible."""
    if isinstance(each, ApiServerError):
        return http_code(each) is not None or each.reason in _STRANGE
    return each is not None


def is_reached(api: ApiServer) -> bool:
    """Return whether any request was answered."""
    return any(map(is_answer, [*api.reviews.values(), api.pods]))


VERBS = ("list", "watch")
_USER = re.compile(r'User "(system:serviceaccount:([^":]+):([^":]+)|[^"]+)" cannot')


def right_finding(api: ApiServer, verb: str) -> Finding:
    """
    Return whether pods may be listed or watched in all namespaces.

    Source: RBAC has no field selectors, so permission for one node's pods alone cannot be granted.
    """
    name, answer = f"api.may-{verb}", api.reviews.get(verb)
    if isinstance(answer, AccessAnswer):
        if answer.is_allowed:
            return ok(name, f"may {verb} pods in all namespaces", allowed=True)
        reason = f" ({printable(answer.said)})" if answer.said else ""
        return failed(name, f"may not {verb} pods in all namespaces{reason}", _rule(api), allowed=False)
    if http_code(answer) == 401:
        return skipped(name, "the credentials are not accepted (api.credentials)")
    if verb == VERBS[0] and http_code(api.pods) == 403:
        return failed(name, "may not list pods: the list was refused", _rule(api), allowed=False)
    if answer is None or not is_answer(answer):
        return skipped(name, "the API server has not answered (api.reach)")
    seen = f"the API server does not say: {said(answer)}"
    remedy = f"check with kubectl auth can-i {verb} pods --all-namespaces --as=SUBJECT"
    return note(name, seen, remedy, allowed=None)


def _rule(api: ApiServer) -> str:
    """Return the missing rule; a refused list shows for which subject."""
    found = _USER.search(api.pods.detail) if isinstance(api.pods, ApiServerError) else None
    if found is None:
        subject = "the exporter's service account"
    elif found[2]:
        subject = f"ServiceAccount {printable(found[3])} of namespace {printable(found[2])}"
    else:
        subject = f"User {printable(found[1])}"
    return (
        'create a ClusterRole with the rule {apiGroups: [""], resources: [pods], verbs: [list, watch]} and bind it '
        f"to {subject}; or use --metadata.source=none"
    )


_DRA = "api.dra"
DRA_RIGHTS = (("list", "resourceslices"), ("watch", "resourceslices"), ("get", "resourceclaims"))
_DRA_RULES = (
    "a ClusterRole with the rules {apiGroups: [resource.k8s.io], resources: [resourceslices], verbs: [list, watch]} "
    "and {apiGroups: [resource.k8s.io], resources: [resourceclaims], verbs: [get]}; or --no-collector.dra"
)


def dra_finding(api: ApiServer) -> Finding:
    """
    Return whether DRA devices can be shown with UUID and request; without the permissions everything else is shown.
    """
    access = api.dra
    if not is_reached(api):
        return skipped(_DRA, "the API server has not answered (api.reach)")
    if access is None:
        return skipped(_DRA, "disabled (--no-collector.dra)")
    if isinstance(access, ApiServerError):
        return skipped(_DRA, f"the API server does not say: {said(access)}")
    if not access.version:
        return skipped(_DRA, "the API server does not serve resource.k8s.io (it does from 1.34 on)")
    missing = [f"{verb} {resource}" for verb, resource in access.missing]
    facts: Facts = {"version": access.version, "missing": len(missing)}
    if missing:
        seen = f"may not {', '.join(missing)}: DRA devices are shown without UUID, request and availability"
        return warning(_DRA, seen, _DRA_RULES, **facts)
    return ok(_DRA, f"may read ResourceSlices and ResourceClaims ({access.version})", **facts)
