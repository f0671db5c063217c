"""The query parameters of a list or watch, parsed and validated."""

from collections.abc import Mapping
from dataclasses import dataclass

from podres_exporter.sim.api.http.selectors import EVERYTHING, Selector, parse_selectors
from podres_exporter.sim.api.storage.resources import Resource
from podres_exporter.sim.api.storage.status import bad_request, invalid

NOT_OLDER_THAN = "NotOlderThan"
EXACT = "Exact"


@dataclass(frozen=True, slots=True)
class ListOptions:
    """
    What a client asks of a list or a watch (metav1.ListOptions).

    *version* is None where none is given; 0 means "whatever you have". *limit* 0 is no limit; *timeout_seconds* and
    *send_initial_events* are None where the client leaves them to the server.
    """

    selector: Selector = EVERYTHING
    version: int | None = None
    version_match: str = ""
    limit: int = 0
    continue_token: str = ""
    allow_bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: int | None = None


def parse_bool(value: str | None) -> bool:
    """Return a flag of the query: everything but absent, `false` and `0` is true (Convert_Slice_string_To_bool)."""
    return value is not None and value.lower() not in {"false", "0"}


def parse_list_options(resource: Resource, query: Mapping[str, str], *, is_watch: bool) -> ListOptions:
    """Return the options, with the server's defaults. Raises StatusError: 400 unreadable, 422 contradicting."""
    events = query.get("sendInitialEvents")
    timeout = query.get("timeoutSeconds")
    options = ListOptions(
        selector=parse_selectors(resource, query.get("fieldSelector", ""), query.get("labelSelector", "")),
        version=parse_version(query),
        version_match=query.get("resourceVersionMatch", ""),
        limit=_parse_number(query.get("limit") or "0"),
        continue_token=query.get("continue", ""),
        allow_bookmarks=parse_bool(query.get("allowWatchBookmarks")),
        send_initial_events=None if events is None else parse_bool(events),
        timeout_seconds=_parse_number(timeout) if timeout else None,
    )
    problems = _watch_problems(options) if is_watch else _list_problems(options)
    if problems:
        raise invalid("ListOptions", "", problems, group="meta.k8s.io")
    return options


def parse_version(query: Mapping[str, str]) -> int | None:
    """Return `resourceVersion`, None where it is absent or empty. Raises StatusError 400."""
    text = query.get("resourceVersion", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        problem = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f'resourceVersion: Invalid value: "{text}": {problem}')
    return int(text)


def _parse_number(text: str) -> int:
    """Return a whole number. Raises StatusError 400."""
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _list_problems(options: ListOptions) -> list[str]:
    """Return what contradicts itself in a list's options (internalversion/validation.ValidateListOptions)."""
    match, problems = options.version_match, []
    field = "resourceVersionMatch"
    if match and options.version is None:
        problems.append(f"{field}: Forbidden: {field} is forbidden unless resourceVersion is provided")
    if match and options.continue_token:
        problems.append(f"{field}: Forbidden: {field} is forbidden when continue is provided")
    if match not in {"", EXACT, NOT_OLDER_THAN}:
        problems.append(f'{field}: Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""')
    if match == EXACT and options.version == 0:
        problems.append(f'{field}: Forbidden: {field} "exact" is forbidden for resourceVersion "0"')
    if options.send_initial_events is not None:
        problems.append("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")
    return problems


def _watch_problems(options: ListOptions) -> list[str]:
    """Return what contradicts itself in a watch's options (validateWatchOptions of the same package)."""
    match, problems = options.version_match, []
    field = "resourceVersionMatch"
    if options.send_initial_events is not None and match != NOT_OLDER_THAN:
        problems.append(f"{field}: Forbidden: sendInitialEvents requires setting {field} to {NOT_OLDER_THAN}")
    if match and options.send_initial_events is None:
        problems.append(f"{field}: Forbidden: {field} is forbidden for watch unless sendInitialEvents is provided")
    if match not in {"", NOT_OLDER_THAN}:
        problems.append(f'{field}: Unsupported value: "{match}": supported values: "{NOT_OLDER_THAN}"')
    if match and options.continue_token:
        problems.append(f"{field}: Forbidden: {field} is forbidden when continue is provided")
    return problems
