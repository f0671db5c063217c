"""Values formatted as Go does."""

import grpc
import pytest

from podres_exporter.sim.rpc.go_texts import plain_slice, quoted, quoted_slice, rpc_error_text


class Failed(grpc.RpcError):
    """An error as a channel raises it."""

    def __init__(self, code: grpc.StatusCode, details: str | None) -> None:
        super().__init__()
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str | None:
        return self._details


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (grpc.StatusCode.CANCELLED, "Canceled"),
        (grpc.StatusCode.UNKNOWN, "Unknown"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded"),
        (grpc.StatusCode.FAILED_PRECONDITION, "FailedPrecondition"),
        (grpc.StatusCode.UNIMPLEMENTED, "Unimplemented"),
        (grpc.StatusCode.OUT_OF_RANGE, "OutOfRange"),
        (grpc.StatusCode.DATA_LOSS, "DataLoss"),
    ],
)
def test_a_code_has_its_name_in_go(code: grpc.StatusCode, name: str) -> None:
    assert f"rpc error: code = {name} desc = why" == rpc_error_text(Failed(code, "why"))


def test_an_error_without_details_ends_with_a_space() -> None:
    assert "rpc error: code = Internal desc = " == rpc_error_text(Failed(grpc.StatusCode.INTERNAL, None))


@pytest.mark.parametrize(
    ("text", "written"), [("gpu", '"gpu"'), ("", '""'), ('a"b\\c\n', r'"a\"b\\c\n"'), ("é", '"é"')]
)
def test_a_text_is_quoted(text: str, written: str) -> None:
    assert written == quoted(text)


def test_slices_have_no_commas() -> None:
    assert '["a" "b"]' == quoted_slice(["a", "b"])
    assert "[a b]" == plain_slice(["a", "b"])
    assert "[]" == plain_slice([])


@pytest.mark.parametrize(
    ("code", "of_core", "in_go"),
    [
        ("UNAVAILABLE", "Stream removed (Socket closed)", "error reading from server: EOF"),
        ("UNAVAILABLE", "Socket closed", "error reading from server: EOF"),
        (
            "UNAVAILABLE",
            "recvmsg:Connection reset by peer",
            "error reading from server: read unix @->/p.sock: read: connection reset by peer",
        ),
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNAVAILABLE: connect: Connection refused (111)",
            'connection error: desc = "transport: Error while dialing: dial unix /p.sock: connect: connection refused"',
        ),
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNKNOWN: No such file or directory",
            (
                'connection error: desc = "transport: Error while dialing: '
                'dial unix /p.sock: connect: no such file or directory"'
            ),
        ),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", "context deadline exceeded"),
        ("UNAVAILABLE", "the plugin's own words", "the plugin's own words"),
        ("UNKNOWN", "Socket closed", "Socket closed"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_in_gos_words(code: str, of_core: str, in_go: str) -> None:
    """A status that a plugin has chosen is passed on as it is (findings of a real node: D17)."""
    error = Failed(grpc.StatusCode[code], of_core)

    assert in_go == rpc_error_text(error, "/p.sock").partition(" desc = ")[2]
