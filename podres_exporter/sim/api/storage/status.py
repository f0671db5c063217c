"""Error responses of the API server: Status objects with the messages of apimachinery's api/errors package."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from podres_exporter.errors import PodresError
from podres_exporter.sim.api.storage.resources import Resource

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}

_NO_SUCH_RESOURCE = "the server could not find the requested resource"


class StatusError(PodresError):
    """
    A refusal that the client gets as a Status object.

    *body* is that object; *retry_after_seconds* also goes into the header of that name.
    Source: metav1.Status; api/errors StatusError.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
        continue_token: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        """Make the Status; its reason is the usual one of the code unless another is given."""
        super().__init__(message)
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        told = {} if retry_after_seconds is None else {"retryAfterSeconds": retry_after_seconds}
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {} if continue_token is None else {"continue": continue_token},
            "status": "Failure",
            "message": message,
            "reason": reason or _REASONS.get(code, HTTPStatus(code).phrase.replace(" ", "")),
            "details": {**(details or {}), **told},
            "code": code,
        }


def _details(resource: Resource, name: str = "") -> dict[str, Any]:
    """Return what the refusal is about; the real one calls the plural "kind" too."""
    group = {"group": resource.group} if resource.group else {}
    return {**({"name": name} if name else {}), **group, "kind": resource.plural}


def bad_request(message: str) -> StatusError:
    """Return a 400 (NewBadRequest)."""
    return StatusError(400, message)


def unauthorized() -> StatusError:
    """Return the 401 of a missing or wrong token; it never says which (NewUnauthorized)."""
    return StatusError(401, "Unauthorized")


def forbidden(
    user: str,
    verb: str,
    resource: Resource,
    namespace: str | None,
    name: str | None,
    subresource: str = "",
    *,
    reason: str = "",
) -> StatusError:
    """Return the 403 of the RBAC authorizer (NewForbidden with filters.ForbiddenMessage), with its *reason* if any."""
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    subject = f'{resource.qualified_name} "{name}"' if name else resource.qualified_name
    asked = f"{resource.plural}/{subresource}" if subresource else resource.plural
    message = (
        f'{subject} is forbidden: User "{user}" cannot {verb} resource "{asked}" '
        f'in API group "{resource.group}" {scope}'
    )
    if reason:
        message += f": {reason}"
    return StatusError(403, message, details=_details(resource, name or ""))


def not_found(resource: Resource, name: str) -> StatusError:
    """Return the 404 of an object that does not exist (NewNotFound)."""
    return StatusError(404, f'{resource.qualified_name} "{name}" not found', details=_details(resource, name))


def no_such_resource(not_simulated: str = "") -> StatusError:
    """Return the 404 of a path below /api or /apis that leads nowhere; it names what only a real server has."""
    return StatusError(404, _NO_SUCH_RESOURCE + _naming(not_simulated))


def method_not_allowed(not_simulated: str = "") -> StatusError:
    """Return the 405 of a verb that the resource does not have; it names what only a real server does."""
    return StatusError(405, "the server does not allow this method on the requested resource" + _naming(not_simulated))


def _naming(not_simulated: str) -> str:
    return f" (not simulated: {not_simulated})" if not_simulated else ""


def already_exists(resource: Resource, name: str) -> StatusError:
    """Return the 409 of a create whose name is taken (NewAlreadyExists)."""
    message = f'{resource.qualified_name} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=_details(resource, name))


def conflict(resource: Resource, name: str) -> StatusError:
    """Return the 409 of an update made from an old version (NewConflict with registry's OptimisticLockErrorMsg)."""
    message = (
        f'Operation cannot be fulfilled on {resource.qualified_name} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return StatusError(409, message, details=_details(resource, name))


def expired(message: str, continue_token: str | None = None) -> StatusError:
    """Return the 410 of a version that the server no longer has (NewResourceExpired)."""
    return StatusError(410, message, continue_token=continue_token)


def invalid(kind: str, name: str, problems: Sequence[str], group: str = "") -> StatusError:
    """
    Return the 422 of an object or of options that contradict themselves; one problem or more (NewInvalid).

    A problem is `path: kind of mistake: ...`; clients print the causes that are made of them.
    """
    subject = f"{kind}.{group}" if group else kind
    problem = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    about = {**({"name": name} if name else {}), **({"group": group} if group else {}), "kind": kind}
    details = {**about, "causes": [_cause(each) for each in problems]}
    return StatusError(422, f'{subject} "{name}" is invalid: {problem}', details=details)


_CAUSES = {
    "Required value": "FieldValueRequired",
    "Duplicate value": "FieldValueDuplicate",
    "Forbidden": "FieldValueForbidden",
    "Unsupported value": "FieldValueNotSupported",
}


def _cause(problem: str) -> dict[str, str]:
    """Return a problem as metav1.StatusCause."""
    field, _, message = problem.partition(": ")
    reason = _CAUSES.get(message.partition(":")[0], "FieldValueInvalid")
    return {"reason": reason, "message": message, "field": field}


def too_large_version(asked: int, current: int) -> StatusError:
    """Return the 504 of a version from the future (storage.NewTooLargeResourceVersionError)."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return StatusError(504, message, details={"causes": [cause]}, retry_after_seconds=1)
