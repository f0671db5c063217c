"""Findings on the exporter's permissions at the API server (RBAC)."""

import re

from podres_exporter.check.evidence import AccessAnswer, ApiServer
from podres_exporter.check.finding import Finding, failed, note, ok, skipped
from podres_exporter.check.findings.api_errors import http_code, is_answer, said
from podres_exporter.errors import ApiServerError
from podres_exporter.printable import printable

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
