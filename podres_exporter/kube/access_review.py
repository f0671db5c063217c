"""Ask the API server what this account may do (SelfSubjectAccessReview)."""

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.errors import LONGEST_TEXT

REVIEW_VERB = "review"
"""The verb shown in errors: RBAC's own verb, `create`, would not say which request failed."""

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Review:
    """
    One answer. *said* is the authorizer's reason, often empty.

    *date_seconds* is the server's time in whole Unix seconds, None if it does not state it.

    *date_seconds* is the server's time in whole Unix seconds, None where it does not tell.
    """

    is_allowed: bool
    said: str
    date_seconds: float | None


def review(client: KubeClient, verb: str, seconds: float, resource: str = "pods", group: str = "") -> Review:
    """
    Return whether this account may *verb* such objects in all namespaces.

    Raises ApiServerError; a server without RBAC allows everything.

    Source: authorization.k8s.io/v1; the role system:basic-user allows every authenticated user to create reviews.
    """
    attributes = {"verb": verb, "resource": resource, **({"group": group} if group else {})}
    document = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = client.post(PATH, document, seconds, verb=REVIEW_VERB)
    body = answer.expect(REVIEW_VERB, 201)
    try:
        status = json.loads(body)["status"]
        is_allowed, said = status["allowed"] is True, str(status.get("reason") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ApiServerError(REVIEW_VERB, Reason.MALFORMED, f"{len(body)} bytes are not an access review") from error
    return Review(is_allowed, said[:LONGEST_TEXT], _date_seconds(answer.date))


def _date_seconds(header: str | None) -> float | None:
    """Return the Date header in Unix seconds (RFC 9110 section 6.6.1); None if it cannot be parsed."""
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except (ValueError, OverflowError):
        return None
