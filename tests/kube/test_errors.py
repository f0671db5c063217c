"""HTTP codes, Status objects and Retry-After translated to errors."""

import json

import pytest

from podres_exporter.errors import Reason
from podres_exporter.kube.errors import LONGEST_TEXT, missing_right, reason_of, refused, retry_after

SUNDAY = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, Reason.INTERNAL),
        (301, Reason.INTERNAL),
        (400, Reason.INTERNAL),
        (401, Reason.DENIED),
        (403, Reason.DENIED),
        (404, Reason.NOT_FOUND),
        (408, Reason.TIMEOUT),
        (410, Reason.GONE),
        (413, Reason.TOO_LARGE),
        (418, Reason.INTERNAL),
        (429, Reason.THROTTLED),
        (500, Reason.UNAVAILABLE),
        (502, Reason.UNAVAILABLE),
        (503, Reason.UNAVAILABLE),
        (504, Reason.TIMEOUT),
        (600, Reason.INTERNAL),
    ],
)
def test_every_code_has_one_reason(code: int, reason: Reason) -> None:
    assert reason is reason_of(code)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"kind":"Status","message":"too old"}', "list: HTTP 410: too old"),
        (json.dumps({"message": "x" * 1000}).encode(), f"list: HTTP 410: {'x' * LONGEST_TEXT}"),
        (b"<html>a proxy's page</html>", "list: HTTP 410"),
        (b'{"message":5}', "list: HTTP 410"),
        (b'["message"]', "list: HTTP 410"),
        (b"\xff\xfe", "list: HTTP 410"),
        (b"[" * 100_000, "list: HTTP 410"),
        (b"", "list: HTTP 410"),
    ],
)
def test_of_a_body_only_the_message_of_a_status_is_told(body: bytes, detail: str) -> None:
    error = refused("list", 410, body, 3.0)

    assert (Reason.GONE, detail, 3.0) == (error.reason, error.detail, error.retry_after_seconds)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0),
        ("Sun, 06 Nov 1994 08:50:07 -0000", 30.0),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3."""
    assert seconds == retry_after(header, SUNDAY)


def test_the_right_that_is_missing_is_named_with_who_needs_it() -> None:
    detail = (
        'list: HTTP 403: pods is forbidden: User "system:serviceaccount:monitoring:podres" cannot list resource "pods" '
        'in API group "" at the cluster scope'
    )

    assert (
        'a ClusterRole with apiGroups: [""], resources: [pods], verbs: [list, watch], '
        "and a ClusterRoleBinding of it to ServiceAccount podres in namespace monitoring"
    ) == missing_right(detail)


def test_a_user_of_a_kubeconfig_is_named_too() -> None:
    right = missing_right('pods is forbidden: User "anna" cannot watch resource "pods" in API group ""')

    assert right is not None
    assert right.endswith("to User anna")


def test_another_text_lacks_no_right() -> None:
    assert missing_right("HTTP 401: Unauthorized") is None
