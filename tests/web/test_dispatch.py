"""Routing a request to its answer, with concurrency limits."""

import threading
from http import HTTPStatus

import pytest

from podres_exporter.web.dispatch import Dispatcher, Route, Share
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response


def request(path: str, method: str = "GET", *, has_body: bool = False) -> Request:
    return Request(method, path, {}, keep_alive=True, has_body=has_body)


def fail(_: Request) -> Response:
    raise ZeroDivisionError("secret")


ROUTES = {
    "/metrics": Route(lambda _: Response(HTTPStatus.OK, b"page"), Share.SCRAPE),
    "/broken": Route(fail, Share.SCRAPE),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_known_path_is_answered_by_its_route(method: str) -> None:
    assert Dispatcher(ROUTES, 1).answer(request("/metrics", method)).body == b"page"


def test_an_unknown_path_names_the_known_ones_and_does_not_repeat_itself() -> None:
    response = Dispatcher(ROUTES, 1).answer(request("/<script>"))

    assert HTTPStatus.NOT_FOUND == response.status
    assert response.body == b"Not found. Known paths: /metrics, /broken\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused_with_the_ones_that_work(method: str) -> None:
    """RFC 9110, 15.5.6: 405 must say what is allowed. Methods are case-sensitive."""
    response = Dispatcher(ROUTES, 1).answer(request("/metrics", method))

    assert (HTTPStatus.METHOD_NOT_ALLOWED, ("Allow: GET, HEAD",)) == (response.status, response.headers)


def test_a_request_with_a_body_is_refused() -> None:
    response = Dispatcher(ROUTES, 1).answer(request("/metrics", has_body=True))

    assert HTTPStatus.REQUEST_ENTITY_TOO_LARGE == response.status


def test_a_handler_that_fails_is_logged_and_gives_its_place_back(caplog: pytest.LogCaptureFixture) -> None:
    """The client learns nothing of the cause; the log has the traceback."""
    dispatcher = Dispatcher(ROUTES, 1)

    statuses = [dispatcher.answer(request(path)).status for path in ("/broken", "/broken", "/metrics")]

    assert [500, 500, 200] == statuses
    assert b"secret" not in dispatcher.answer(request("/broken")).body
    assert {("web.handler_failed", "ERROR", True)} == {
        (record.message, record.levelname, record.exc_info is not None) for record in caplog.records
    }


def test_answers_beyond_the_limit_are_put_off_but_probes_are_not() -> None:
    """A liveness probe that fails because the exporter is busy would restart it."""
    entered, may_leave = threading.Event(), threading.Event()

    def wait(_: Request) -> Response:
        entered.set()
        assert may_leave.wait(60)
        return Response(HTTPStatus.OK, b"")

    probe = Route(lambda _: Response(HTTPStatus.OK, b"well"), Share.PROBE)
    dispatcher = Dispatcher({"/slow": Route(wait, Share.SCRAPE), "/probe": probe, **ROUTES}, 1, 0)
    slow = threading.Thread(target=dispatcher.answer, args=[request("/slow")])
    slow.start()
    entered.wait(60)
    refused, probed = dispatcher.answer(request("/metrics")), dispatcher.answer(request("/probe"))
    may_leave.set()
    slow.join()

    assert (HTTPStatus.TOO_MANY_REQUESTS, ("Retry-After: 1",)) == (refused.status, refused.headers)
    assert b"--web.max-requests" in refused.body
    assert probed.body == b"well"
    assert dispatcher.answer(request("/metrics")).body == b"page"


@pytest.mark.parametrize("share", [Share.PAGE, Share.DOCUMENT])
def test_each_kind_of_request_has_places_of_its_own(share: Share) -> None:
    """Twenty viewers of a page that takes seconds: eight wait for it, the others come again, and scrapes go on."""
    entered, may_leave = threading.Semaphore(0), threading.Event()

    def wait(_: Request) -> Response:
        entered.release()
        assert may_leave.wait(60)
        return Response(HTTPStatus.OK, b"page")

    other = Share.DOCUMENT if share is Share.PAGE else Share.PAGE
    others = {"/other": Route(lambda _: Response(HTTPStatus.OK, b"other"), other)}
    files = {"/file": Route(lambda _: Response(HTTPStatus.OK, b"file"), Share.FILE)}
    dispatcher = Dispatcher({"/slow": Route(wait, share), **others, **files, **ROUTES}, 16)
    slow = [threading.Thread(target=dispatcher.answer, args=[request("/slow")]) for _ in range(8)]
    for each in slow:
        each.start()
    for _ in slow:
        assert entered.acquire(timeout=60)
    refused = [dispatcher.answer(request("/slow")).status for _ in range(12)]
    answered = [dispatcher.answer(request(path)).body for path in ("/metrics", "/other", "/file")]
    may_leave.set()
    for each in slow:
        each.join()

    assert [HTTPStatus.TOO_MANY_REQUESTS] * 12 == refused
    assert [b"page", b"other", b"file"] == answered


def test_a_scrape_waits_for_its_turn_rather_than_to_be_refused() -> None:
    """Prometheus does not try again before the next interval."""
    entered, may_leave = threading.Event(), threading.Event()

    def wait(_: Request) -> Response:
        entered.set()
        assert may_leave.wait(60)
        return Response(HTTPStatus.OK, b"page")

    dispatcher = Dispatcher({"/metrics": Route(wait, Share.SCRAPE)}, 1, 60)
    answers: list[Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(dispatcher.answer(request("/metrics")))) for _ in range(3)
    ]
    for each in threads:
        each.start()
    assert entered.wait(60)
    before = len(answers)
    may_leave.set()
    for each in threads:
        each.join()

    assert (0, [HTTPStatus.OK] * 3) == (before, [each.status for each in answers])
