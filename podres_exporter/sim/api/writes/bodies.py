"""The object in a request's body: JSON or YAML."""

import json
from collections.abc import Collection
from typing import Any

import yaml

from podres_exporter.sim.api.http.answer import JSON
from podres_exporter.sim.api.http.request import Request
from podres_exporter.sim.api.storage.status import StatusError, bad_request

YAML = "application/yaml"
OBJECTS = (JSON, YAML)


def media_type_of(request: Request) -> str:
    """Return what the client says that its body is; JSON where it says nothing."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip()


def read_body(request: Request, accepted: Collection[str] = OBJECTS) -> dict[str, Any]:
    """Return the object in a request's body. Raises StatusError: 415 for other media types, 400 for no object."""
    media_type = media_type_of(request)
    if media_type not in accepted:
        known = ", ".join(accepted)
        message = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise StatusError(415, message)
    try:
        body = yaml.safe_load(request.body) if media_type == YAML else json.loads(request.body)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    return body
