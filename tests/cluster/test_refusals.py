"""Refusals: the component that refused, and the remedy."""

import json

import pytest
from cluster_rig import told

from podres_exporter.cluster.refusals import refused
from podres_exporter.errors import Reason

TARGET = told("n1").target
UNREACHED = "error trying to reach service: "
PORT = "check its port (--exporter-port), and that network policies admit the API server"


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "body", "reason", "words"),
    [
        (401, b"Unauthorized\n", Reason.DENIED, "the API server's proxy does not pass on"),
        (403, b"", Reason.DENIED, "its exporter refuses"),
        (404, b"404 page not found", Reason.NOT_FOUND, "has no /api/v1/snapshot: it is older than this command"),
        (429, b"busy", Reason.THROTTLED, "--web.max-requests"),
        (500, b'{"kind": "Other"}', Reason.UNAVAILABLE, "its exporter answers HTTP 500"),
        (302, b"", Reason.INTERNAL, "its exporter answers HTTP 302"),
        (401, status("Unauthorized"), Reason.DENIED, "no longer accepts these credentials"),
        (404, status('pods "x" not found'), Reason.NOT_FOUND, "its exporter is gone"),
        (400, status("address not allowed"), Reason.UNAVAILABLE, "has no address yet"),
        (400, status("invalid pod request"), Reason.INTERNAL, "the API server answers HTTP 400: invalid pod request"),
        (500, status("boom"), Reason.UNAVAILABLE, "the API server answers HTTP 500: boom"),
        (503, status("unable"), Reason.UNAVAILABLE, "the API server answers HTTP 503: unable"),
        (503, status(f"{UNREACHED}dial tcp 10.0.0.1:1: i/o timeout"), Reason.UNAVAILABLE, PORT),
        (503, status(f"{UNREACHED}EOF"), Reason.UNAVAILABLE, "if it serves TLS, give --exporter-scheme https"),
        (
            503,
            status(f"{UNREACHED}http: server gave HTTP response to HTTPS client"),
            Reason.UNAVAILABLE,
            "it serves plain HTTP: omit --exporter-scheme https",
        ),
    ],
)
def test_a_refusal_says_whose_it_is_and_what_helps(code: int, body: bytes, reason: Reason, words: str) -> None:
    """A Status is the API server's, anything else the exporter's: both use the same codes."""
    found = refused(TARGET, code, body)

    assert (reason, "n1", "monitoring/exporter-n1") == (found.reason, found.node, found.pod)
    assert words in found.detail


def test_a_refusal_of_rbac_names_the_user_and_the_right_but_not_the_pod() -> None:
    """So that it reads the same on all nodes, and is said once."""
    message = (
        'pods "exporter-n1:10190" is forbidden: User "system:serviceaccount:a:b" cannot get resource "pods/proxy" in '
        'API group "" in the namespace "monitoring"'
    )
    found = refused(TARGET, 403, status(message))

    assert (
        "system:serviceaccount:a:b may not reach pods of namespace monitoring through the API server: grant get on "
        "pods/proxy there"
    ) == found.detail


def test_a_refusal_of_something_else_is_told_in_its_words() -> None:
    assert "the API server refuses: admission says no" == refused(TARGET, 403, status("admission says no")).detail


def test_what_the_server_says_is_shortened_and_made_safe() -> None:
    found = refused(TARGET, 500, status("\x1b" + "x" * 5000))

    assert "\\x1bxxx" in found.detail
    assert len(found.detail) < 300
