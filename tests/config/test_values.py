"""Values of flags and variables one by one: accepted texts, and the error for the others."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.config import OPTIONS, Option, values

LONGEST_SOCKET_PATH = "/" + "s" * 106


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),
        ("1h2m3s4ms", 3723.004),
        ("0s", 0.0),
        ("007s", 7.0),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("10us", 1e-5),
        ("0", 0.0),
        ("1d", 86400.0),
    ],
)
def test_a_duration_is_written_as_in_prometheus(text: str, seconds: float) -> None:
    """One syntax for every time that a user writes."""
    assert seconds == pytest.approx(values.duration_seconds(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10 s",
        " 10s",
        "10s\n",
        "s",
        "-1s",
        "+1s",
        "1e3s",
        "10S",
        "1y",
        "ten seconds",
        "\u0661s",
        "1s,2s",
    ],
)
def test_a_duration_without_a_number_and_a_unit_is_refused_with_an_example(text: str) -> None:
    """A bare number would leave the reader to guess the unit; the message shows what to write instead."""
    with pytest.raises(ValueError, match="write for example 500ms, 10s or 1m30s") as caught:
        values.duration_seconds(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("digits", [20, 400, 5000], ids=lambda digits: f"{digits} digits")
def test_a_duration_that_no_clock_can_wait_for_is_refused(digits: int) -> None:
    """
    Waiting longer than threading.TIMEOUT_MAX raises OverflowError in the poll loop, and 400 digits are no float at all.

    Every wrong value is refused at the start, in words for a user.
    """
    with pytest.raises(ValueError, match=r"too long|not a duration") as caught:
        values.duration_seconds("9" * digits + "s")

    assert "sys.set_int_max_str_digits" not in str(caught.value)


@given(st.from_regex(r"([0-9]{1,12}(ms|s|m|h)){1,3}", fullmatch=True))
def test_every_duration_that_is_accepted_can_be_waited_for(text: str) -> None:
    """What is accepted must not break the loop later (threading.TIMEOUT_MAX, about 292 years)."""
    try:
        seconds = values.duration_seconds(text)
    except ValueError:
        return

    assert 0 <= seconds <= threading.TIMEOUT_MAX


def test_a_duration_shorter_than_the_least_is_refused_and_the_least_is_named() -> None:
    """A poll interval of milliseconds would eat the kubelet's rate limit, which all its clients share."""
    parse = values.at_least(1.0, "1s")

    assert parse("1s") == pytest.approx(1.0)
    assert parse("1000ms") == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"'999ms' is too short; the minimum is 1s"):
        parse("999ms")


def test_a_socket_path_of_107_bytes_is_the_longest() -> None:
    """What fits into sockaddr_un, less its closing zero (unix(7))."""
    assert Path(LONGEST_SOCKET_PATH) == values.socket_path(LONGEST_SOCKET_PATH)
    with pytest.raises(ValueError, match=r"has 108 bytes, and a Unix socket path may have at most 107; .*shorter"):
        values.socket_path(LONGEST_SOCKET_PATH + "s")


def test_a_socket_path_is_measured_in_bytes_not_in_letters() -> None:
    """The kernel counts bytes (unix(7)); 54 two-byte letters and a slash are 109 of them."""
    assert Path("/" + "\u00e9" * 53) == values.socket_path("/" + "\u00e9" * 53)
    with pytest.raises(ValueError, match="has 109 bytes"):
        values.socket_path("/" + "\u00e9" * 54)


def test_a_socket_may_be_written_as_the_kubelet_writes_it() -> None:
    """Kubernetes writes endpoints as unix:///path; the prefix does not count towards the 107 bytes."""
    assert Path("/run/kubelet.sock") == values.socket_path("unix:///run/kubelet.sock")
    assert Path(LONGEST_SOCKET_PATH) == values.socket_path("unix://" + LONGEST_SOCKET_PATH)


@pytest.mark.parametrize("text", ["", "kubelet.sock", "./kubelet.sock", "unix://kubelet.sock", "tcp://127.0.0.1:1"])
def test_a_socket_path_that_is_not_absolute_is_refused_with_an_example(text: str) -> None:
    """A daemon has no working directory that a user would mean."""
    with pytest.raises(ValueError, match=r"write for example /var/lib/kubelet/pod-resources/kubelet\.sock") as caught:
        values.socket_path(text)

    assert repr(text) in str(caught.value)


def test_a_directory_must_be_absolute() -> None:
    """As with the socket; the example is the place where sysfs is."""
    assert Path("/host/sys") == values.folder("/host/sys")
    with pytest.raises(ValueError, match=r"'sys' is not an absolute path; write for example /sys"):
        values.folder("sys")


def test_a_choice_is_taken_literally_and_the_others_are_named() -> None:
    """The remedy of a wrong choice is the list of the right ones."""
    parse = values.one_of("debug", "info", "error")

    assert "info" == parse("info")
    for text in ("", "INFO", "inf", "info "):
        with pytest.raises(ValueError, match=r"is unknown; choose debug, info or error") as caught:
            parse(text)
        assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False)],
)
def test_a_switch_in_the_environment_is_true_or_false(text: str, expected: bool) -> None:
    """The forms that Kubernetes manifests and shells write."""
    assert expected is values.boolean(text)


@pytest.mark.parametrize("text", ["", "yes", "on", "2", "tru", " true"])
def test_any_other_switch_is_refused(text: str) -> None:
    """Nothing is guessed: `yes` could as well be a typing error in another variable's value."""
    with pytest.raises(ValueError, match="neither true nor false") as caught:
        values.boolean(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["/metrics", "/podres", "/a/b-c_d.e~f", "/m"])
def test_the_metrics_may_be_at_any_plain_path(text: str) -> None:
    """Some clusters scrape several exporters behind one proxy, by path."""
    assert text == values.telemetry_path(text)


@pytest.mark.parametrize(
    "text",
    ["", "metrics", "http://localhost/metrics", "/metrics?x=1", "/m#x", "/a b", "/m\n", "/caf\u00e9", "/%2e"],
)
def test_what_is_no_plain_path_is_refused_with_an_example(text: str) -> None:
    """A query or an escape would never match a request's path."""
    with pytest.raises(ValueError, match="is not a path; write for example /metrics") as caught:
        values.telemetry_path(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["/", "/-/healthy", "/-/ready", "/-/", "/-", "/api/v1/snapshot", "/api", "/assets/page.js", "/assets"]
)
def test_the_metrics_may_not_hide_the_exporters_own_pages(text: str) -> None:
    """`/`, the probes and the API have fixed places."""
    with pytest.raises(
        ValueError, match="is reserved for the exporter's own pages; write for example /metrics"
    ) as caught:
        values.telemetry_path(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["//x", "/a//b", "/metrics//", "/./m", "/a/..", "/../metrics"])
def test_a_path_that_clients_and_proxies_rewrite_is_refused(text: str) -> None:
    """They would ask for another one, and `//x` as a link is another host."""
    with pytest.raises(ValueError, match="would be rewritten by clients and proxies to another path"):
        values.telemetry_path(text)


def test_a_number_of_requests_is_from_1_to_1000() -> None:
    """Zero would serve no request; each costs a thread."""
    assert [1, 16, 1000] == [values.count(text) for text in ("1", "16", "1000")]


@pytest.mark.parametrize("text", ["", "0", "1001", "-1", "+1", "1.0", "0x10", "many", " 1", "\u0661", "9" * 5000])
def test_any_other_number_of_requests_is_refused_with_the_range(text: str) -> None:
    """The range is the remedy, also where the number is longer than Python reads."""
    with pytest.raises(ValueError, match="is not a whole number from 1 to 1000"):
        values.count(text)


@pytest.mark.parametrize("text", ["n", "node1", "ip-10-0-0-1.eu-west-1.compute.internal", "1", "a" * 253])
def test_a_node_name_is_what_the_api_server_accepts(text: str) -> None:
    """A DNS subdomain of at most 253 characters (Kubernetes, Object Names and IDs)."""
    assert text == values.node_name(text)


@pytest.mark.parametrize("text", ["", "Node1", "-a", "a-", ".a", "a.", "a_b", "a b", "a" * 254, "n\u00f6de", "a\n"])
def test_any_other_node_name_is_refused_with_the_way_to_set_it(text: str) -> None:
    """The usual cause is a missing downward API entry, so the message names spec.nodeName."""
    with pytest.raises(ValueError, match=r"set NODE_NAME from the field spec\.nodeName") as caught:
        values.node_name(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_every_default_is_a_value_that_its_own_option_accepts(option: Option[object]) -> None:
    """A default stands in for a wrong value while the other faults are collected, so it must parse."""
    assert option.parse(option.default or ("a.b/c" if option.repeatable else "node1")) is not None


PARSERS: list[Callable[[str], object]] = [
    values.duration_seconds,
    values.at_least(1.0, "1s"),
    values.socket_path,
    values.folder,
    values.one_of("a", "b"),
    values.boolean,
    values.telemetry_path,
    values.count,
    values.node_name,
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: str(parse.__qualname__))
@given(text=st.text(max_size=300))
def test_any_text_is_a_value_or_a_value_error(parse: Callable[[str], object], text: str) -> None:
    """No other exception escapes, or the exporter would answer a typing error with a traceback."""
    with contextlib.suppress(ValueError):
        parse(text)
