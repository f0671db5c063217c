"""Answer lists: whole, paginated, or of an older resource version."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podres_exporter.sim.api.http.options import EXACT, ListOptions
from podres_exporter.sim.api.storage.objects import Object, ObjectKey, key_of
from podres_exporter.sim.api.storage.resources import Resource
from podres_exporter.sim.api.storage.status import StatusError, bad_request, expired, too_large_version
from podres_exporter.sim.api.storage.store import Store

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)

_WHATEVER_IS = -1
"""The version in the token of an expired list: go on with the present, however inconsistent that is."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects in order, and the list's metadata (metav1.ListMeta)."""

    items: tuple[Object, ...]
    metadata: dict[str, Any]


def list_page(store: Store, resource: Resource, namespace: str | None, options: ListOptions) -> Page:
    """
    Return the page that the options ask for; *namespace* None is every namespace.

    Raises StatusError: 400 for conflicting options, 410 for a version no longer kept, 504 for a future one.
    Source: the API concepts page, "Retrieving large results sets in chunks" and "Semantics for get and list".
    """
    items, version, start = _state(store, resource, options)
    found = [
        item
        for item in items
        if key_of(item) >= start and namespace in {None, key_of(item)[0]} and options.selector.matches(item)
    ]
    # The watch cache answers version 0, and it has never known pages (cacher.go, shouldDelegateList).
    limit = 0 if options.version == 0 else options.limit
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        metadata["continue"] = _encode_token(version, key_of(found[limit]))
        if options.selector.is_empty:
            metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return Page(tuple(found), metadata)


def _state(store: Store, resource: Resource, options: ListOptions) -> tuple[Sequence[Object], int, ObjectKey]:
    """Return the objects to choose from, their version, and the first key of the page."""
    if options.continue_token:
        return _continued(store, resource, options)
    version = options.version or None
    # A limit with a version but without a match means exactly that version: the legacy of lists before 1.19.
    is_exact = options.version_match == EXACT or (not options.version_match and options.limit > 0)
    if version is None or is_exact:
        return *store.read(resource, version), ("", "")
    items, current = store.read(resource)
    if version > current:
        raise too_large_version(version, current)
    return items, current, ("", "")


def _continued(store: Store, resource: Resource, options: ListOptions) -> tuple[Sequence[Object], int, ObjectKey]:
    """Return what a continue token stands for."""
    if options.version:
        raise bad_request("specifying resource version is not allowed when using continue")
    version, start = _decode_token(options.continue_token)
    if version == _WHATEVER_IS:
        return *store.read(resource), start
    try:
        return *store.read(resource, version), start
    except StatusError as error:
        if error.code != 410:
            raise
        raise expired(_TOO_OLD, continue_token=_encode_token(_WHATEVER_IS, start)) from error


def _encode_token(version: int, start: ObjectKey) -> str:
    """Return an opaque token in the real one's form (storage/continue.go)."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(start)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_token(token: str) -> tuple[int, ObjectKey]:
    """Return the version and the first key. Raises StatusError 400 for a foreign token."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = content["start"].split("/")
        return int(content["rv"]), (namespace, name)
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
