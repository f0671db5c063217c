"""The exporter's own counters, as prometheus_client writes them."""

import pytest
from pages import Series, parsed, read_back

from podres_exporter.errors import Reason
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.families.own import FAMILIES
from podres_exporter.families.spec import Kind
from podres_exporter.model import Malformed
from podres_exporter.service.events import Events

VERSIONS = {"version": "0.1.0", "python": "3.11.7", "grpc": "1.73.0"}
EOF = {Format.TEXT: "", Format.OPENMETRICS: "# EOF\n"}
EACH_FORMAT = pytest.mark.parametrize("text_format", Format)


def busy() -> OwnMetrics:
    """Return counters of an exporter to which everything has happened."""
    own = OwnMetrics(("exporter",), VERSIONS, web_config=True)
    own.rpc("List", 0.002, None)
    own.rpc("List", 20.0, Reason.TIMEOUT)
    own.malformed("List", 3)
    own.restarted()
    own.listed("start")
    own.list_delayed("waited")
    own.resync_differed()
    own.loop_error()
    slices = own.dra()
    slices.request("get")
    slices.error("get", Reason.DENIED)
    slices.malformed([Malformed("items[0]", "no name")])
    api_server = own.metadata()
    api_server.request("list")
    api_server.error("watch", Reason.GONE)
    api_server.restart("expired")
    api_server.event("changed")
    api_server.received(100)
    api_server.received(20)
    api_server.malformed([Malformed("items[0]", "no name"), Malformed("items[1]", "no name")])
    own.web_config_loaded(1_700_000_000.5)
    own.web_config_rejected()
    return own


def page(own: OwnMetrics, text_format: Format) -> str:
    return own.text(text_format).decode() + EOF[text_format]


def series(own: OwnMetrics, text_format: Format) -> list[Series]:
    return [each for each in read_back(page(own, text_format), text_format) if not each[0].endswith("_bucket")]


@EACH_FORMAT
def test_every_event_is_counted(text_format: Format) -> None:
    """A total of all calls and one of failures, as Prometheus' practices want it; usable answers have no reason."""
    assert [
        ("podres_dra_errors_total", (("reason", "denied"), ("verb", "get")), 1.0),
        ("podres_dra_malformed_items_total", (), 1.0),
        ("podres_dra_requests_total", (("verb", "get"),), 1.0),
        ("podres_exporter_build_info", (("grpc", "1.73.0"), ("python", "3.11.7"), ("version", "0.1.0")), 1.0),
        ("podres_kubelet_list_delays_total", (("outcome", "waited"),), 1.0),
        ("podres_kubelet_lists_total", (("reason", "start"),), 1.0),
        ("podres_kubelet_restarts_total", (), 1.0),
        ("podres_kubelet_resync_differences_total", (), 1.0),
        ("podres_kubelet_rpc_duration_seconds_count", (("rpc", "List"),), 2.0),
        ("podres_kubelet_rpc_duration_seconds_sum", (("rpc", "List"),), 20.002),
        ("podres_kubelet_rpc_errors_total", (("reason", "timeout"), ("rpc", "List")), 1.0),
        ("podres_kubelet_rpcs_total", (("rpc", "List"),), 2.0),
        ("podres_loop_errors_total", (), 1.0),
        ("podres_malformed_items_total", (("rpc", "List"),), 3.0),
        ("podres_metadata_errors_total", (("reason", "gone"), ("verb", "watch")), 1.0),
        ("podres_metadata_events_total", (("event", "changed"),), 1.0),
        ("podres_metadata_malformed_items_total", (), 2.0),
        ("podres_metadata_received_bytes_total", (), 120.0),
        ("podres_metadata_requests_total", (("verb", "list"),), 1.0),
        ("podres_metadata_watch_restarts_total", (("cause", "expired"),), 1.0),
        ("podres_web_config_last_reload_success_timestamp_seconds", (), 1_700_000_000.5),
        ("podres_web_config_last_reload_successful", (), 0.0),
    ] == series(busy(), text_format)


@EACH_FORMAT
def test_the_page_says_of_each_family_what_the_catalogue_says(text_format: Format) -> None:
    """The catalogue is a contract: name, type, help and labels are those of README and `metrics`."""
    infos = {Kind.GAUGE.value, Kind.INFO.value}
    found = {
        metric.name: (metric.documentation, infos if metric.type in infos else {metric.type})
        for metric in parsed(page(busy(), text_format), text_format)
    }

    expected = {
        family.name.removesuffix("_total"): (family.help, infos if family.kind in infos else {family.kind.value})
        for family in FAMILIES
    }
    shorter = {name.removesuffix("_info"): said for name, said in expected.items()}
    assert {name.removesuffix("_info"): said for name, said in found.items()} == shorter


@EACH_FORMAT
def test_what_has_no_labels_starts_at_zero(text_format: Format) -> None:
    """A counter that appears with its first event hides that event from rate()."""
    assert [
        ("podres_exporter_build_info", (("grpc", "1.73.0"), ("python", "3.11.7"), ("version", "0.1.0")), 1.0),
        ("podres_kubelet_restarts_total", (), 0.0),
        ("podres_kubelet_resync_differences_total", (), 0.0),
        ("podres_loop_errors_total", (), 0.0),
    ] == series(OwnMetrics(("exporter",), VERSIONS), text_format)


def test_a_web_config_file_is_good_until_a_change_of_it_is_not() -> None:
    """The state after each load, and the time of the last good one."""
    own = OwnMetrics(("exporter",), VERSIONS, web_config=True)
    seen = []
    for at_seconds in (1.0, None, 3.0):
        if at_seconds is None:
            own.web_config_rejected()
        else:
            own.web_config_loaded(at_seconds)
        values = [value for name, _, value in series(own, Format.TEXT) if name.startswith("podres_web_config")]
        seen.append(values)

    assert [[1.0, 1.0], [1.0, 0.0], [3.0, 1.0]] == seen


@EACH_FORMAT
def test_there_are_no_created_series(text_format: Format) -> None:
    """They double the counters and are not used; prometheus_client writes them by default."""
    assert "_created" not in page(busy(), text_format)


@EACH_FORMAT
def test_the_end_of_the_page_is_left_to_the_page(text_format: Format) -> None:
    """OpenMetrics allows one `# EOF`, as the last line; what comes here is only a part."""
    assert b"# EOF" not in busy().text(text_format)


@EACH_FORMAT
def test_the_process_is_shown_where_its_collector_is_on(text_format: Format) -> None:
    """`process_*` are prometheus_client's; each collector has a switch of its own."""
    actual = page(OwnMetrics(("process",), VERSIONS), text_format)

    assert "process_resident_memory_bytes" in actual
    assert "podres_" not in actual


@EACH_FORMAT
def test_with_both_collectors_off_nothing_is_shown_and_counting_goes_on(text_format: Format) -> None:
    """The poll loop counts whether anyone looks or not."""
    own = OwnMetrics(COLLECTORS.keys() - {"exporter", "process"}, VERSIONS)
    own.rpc("List", 0.1, Reason.DENIED)

    assert own.text(text_format) == b""


def test_it_is_what_the_poll_loop_reports_to() -> None:
    """Typed: OwnMetrics has every method of Events."""
    events: Events = OwnMetrics((), VERSIONS)

    assert isinstance(events, OwnMetrics)


@EACH_FORMAT
def test_nothing_is_said_of_an_api_server_that_is_never_asked(text_format: Format) -> None:
    """`--metadata.source=none`: a zero would look like a source that says nothing."""
    own = OwnMetrics(("exporter",), VERSIONS)

    assert "podres_metadata" not in page(own, text_format)
