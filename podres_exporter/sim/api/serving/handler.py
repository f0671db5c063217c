"""Serve one connection to the API server: read requests, apply faults, send responses."""

import logging
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from podres_exporter.sim.api.http.answer import JSON, Answer, refusal
from podres_exporter.sim.api.http.request import Request, parse_request
from podres_exporter.sim.api.reads.watch import View, Watch, error_line
from podres_exporter.sim.api.serving.access import authenticate
from podres_exporter.sim.api.serving.fault_kinds import Delay, Drop, Fail, Hang, RequestFault, Trickle
from podres_exporter.sim.api.serving.listener import Listener
from podres_exporter.sim.api.serving.responses import fail, respond
from podres_exporter.sim.api.serving.state import ServerState
from podres_exporter.sim.api.serving.stream import Stream, wait_for_nothing
from podres_exporter.sim.api.storage.status import StatusError

log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 3 * 1024 * 1024
"""The real server's limit (server/config.go, MaxRequestBodyBytes)."""


class Handler(BaseHTTPRequestHandler):
    """Answers requests one after another, until either side closes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener
    connection: socket.socket

    def __init__(self, state: ServerState, *connection: Any) -> None:
        """Serve the connection; returns when it is over."""
        self._state = state
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer one request; every method comes here."""
        request = self._read_request()
        if request is None:
            return
        fault: RequestFault | None = None
        outcome: Answer | View
        try:
            authenticate(request, self._state.token)
            target = request.target
            resource, subresource = (None, "") if target is None else (target.resource, target.subresource)
            fault = self._state.faults.take(request.verb, resource, subresource)
            if isinstance(fault, Hang | Drop):
                self._withhold(request, fault)
                return
            if isinstance(fault, Delay):
                self._state.clock.wait(self.server.closing, fault.seconds)
            if isinstance(fault, Fail):
                fail(self._state, request, fault)
            outcome = respond(self._state, request)
        except StatusError as error:
            outcome = refusal(error)
        except Exception:
            # A fault of the simulator itself, or of a listener of the store: the client sees what it would see.
            log.exception("sim.api_request_failed")
            outcome = refusal(StatusError(500, "Internal error occurred: see the simulator's log"))
        if isinstance(outcome, View):
            self._watch(request, outcome)
        else:
            self._send(request, outcome, fault if isinstance(fault, Trickle) else None)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server looks for these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep http.server's lines out of standard error; `Journal` has every request."""

    def _read_request(self) -> Request | None:
        """Return the request with its body, None where it was refused for its size or framing."""
        length = self.headers.get("Content-Length", "0")
        is_known = length.isascii() and length.isdecimal() and "Transfer-Encoding" not in self.headers
        body = self.rfile.read(int(length)) if is_known and int(length) <= _MAX_BODY_BYTES else b""
        request = parse_request(self.command, self.path, dict(self.headers.items()), body)
        if is_known and int(length) <= _MAX_BODY_BYTES:
            return request
        # Where the next request begins is unknown, or too far away.
        self.close_connection = True
        code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_known else HTTPStatus.LENGTH_REQUIRED
        text = f"Request entity too large: limit is {_MAX_BODY_BYTES}" if is_known else code.description
        self._send(request, refusal(StatusError(code, text)))
        return None

    def _withhold(self, request: Request, fault: Hang | Drop) -> None:
        """Close without an answer: at once, or when the client has disconnected."""
        self._state.journal.write(request, 0)
        self.close_connection = True
        if isinstance(fault, Hang):
            wait_for_nothing(self._state, self.connection, self.server.closing)

    def _send(self, request: Request, answer: Answer, trickle: Trickle | None = None) -> None:
        """Send a whole answer."""
        self._state.journal.write(request, answer.code)
        head = self._head(answer.code, {**answer.headers, "Content-Length": str(len(answer.body))})
        if trickle is None:
            self._write(head + answer.body)
            return
        self._write(head)
        for start in range(0, len(answer.body), trickle.piece_bytes):
            if self.close_connection or self._state.clock.wait(self.server.closing, trickle.seconds):
                break
            self._write(answer.body[start : start + trickle.piece_bytes])

    def _watch(self, request: Request, view: View) -> None:
        """Stream changes; a version that is too old is an event, for the head says 200 already."""
        stream = Stream(self._state, view, self.connection, self._write_or_raise, self.server.closing)
        watch: Watch | None = None
        last_line = b""
        try:
            watch = Watch(self._state.store, view)
        except StatusError as error:
            if error.code != HTTPStatus.GONE:
                self._send(request, refusal(error))
                return
            last_line = error_line(error)
        self._state.journal.write(request, HTTPStatus.OK)
        try:
            self._write_or_raise(self._head(200, {"Content-Type": JSON, "Transfer-Encoding": "chunked"}))
            is_usable = stream.fail(last_line) if watch is None else stream.run(watch)
        except OSError:
            is_usable = False
        if not is_usable:
            self.close_connection = True

    def _head(self, code: int, headers: dict[str, str]) -> bytes:
        """Return status line and headers; `Connection: close` where this is the last answer."""
        if self.close_connection:
            headers = {**headers, "Connection": "close"}
        lines = [f"HTTP/1.1 {code} {HTTPStatus(code).phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _write(self, data: bytes) -> None:
        """Send bytes; a client that has left ends the connection."""
        try:
            self._write_or_raise(data)
        except OSError:
            self.close_connection = True

    def _write_or_raise(self, data: bytes) -> None:
        """Send bytes. Raises OSError where the client has left."""
        self.connection.sendall(data)
