"""From a request to its answer."""

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
    assert response.body == b"There is nothing here. Known paths: /metrics, /broken\n"


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
