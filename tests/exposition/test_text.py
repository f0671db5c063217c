"""Sample lines: escaping, headers of both formats, and which rows are computed."""

from collections.abc import Collection
from dataclasses import replace
from itertools import combinations

import pytest
from pages import parsed, read_back, said_by, whole_page
from snapshots import TWO_NODES, holding

from podres_exporter.exposition.lines import LineWriter, escape, identity
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.text import AllocationWriter, header, page
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.devices import CONTAINER_DEVICE_INFO
from podres_exporter.families.spec import Concern, ContainerFamily, Family, Kind, Row
from podres_exporter.model import (
    Allocation,
    Container,
    ContainerView,
    CpuStock,
    Device,
    Pod,
    Snapshot,
    SourceHealth,
    Topology,
)

HOSTILE = [
    pytest.param('say "hi"', id="quotes"),
    pytest.param('"', id="a quote alone"),
    pytest.param("C:\\new", id="backslash before n"),
    pytest.param("ends with \\", id="backslash at the end"),
    pytest.param('\\"', id="backslash and quote"),
    pytest.param("two\nlines", id="newline"),
    pytest.param("\n", id="newline alone"),
    pytest.param("two\r\nlines\r", id="carriage return"),
    pytest.param("100%", id="percent sign"),
    pytest.param("%s %d %(name)s %%", id="templates"),
    pytest.param("{0} {x} }} {", id="braces"),
    pytest.param('a="b",c="d"', id="labels in a label"),
    pytest.param('x"} 5\nfake_metric{y="z', id="a line in a label"),
    pytest.param("# EOF", id="end of page"),
    pytest.param(" # {} 1", id="exemplar"),
    pytest.param("x" * 300, id="300 characters"),
    pytest.param("Größe 装置 🚀", id="unicode"),
    pytest.param("\u2028\u2029\x85\x0b\x0c", id="line breaks of Unicode"),
    pytest.param("\x00\x01\x7f", id="control characters"),
    pytest.param(" padded ", id="blanks around"),
    pytest.param("", id="empty"),
]


def lines(family: Family, prefix: str, rows: Collection[Row]) -> str:
    return LineWriter(family).write(prefix, rows)


def rows_of(*values: str) -> Family:
    """Return a family of infos with one label for each of *values*."""
    labels = tuple(f"label{number}" for number in range(len(values)))
    return Family("podres_test_info", Kind.INFO, "A test.", labels, "devices")


@pytest.mark.parametrize("text_format", Format)
@pytest.mark.parametrize("value", HOSTILE)
def test_any_value_reads_back_as_it_was(value: str, text_format: Format) -> None:
    """A device id may be any UTF-8; the parser must find that id and no other sample."""
    pod = Pod(value, value, (Container(value, devices=(Device(value, value, frozenset()),)),))
    snapshot = replace(holding(pod, topology=TWO_NODES), node=value)

    assert said_by(snapshot, CATALOGUE) == read_back(whole_page(snapshot, CATALOGUE, text_format), text_format)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_harmless_row_is_written_the_same_beside_a_hostile_one(value: str) -> None:
    """Lines that need no escaping are written by a shorter way; a reader must not see which one was taken."""
    family = rows_of("a", "b")
    alone = lines(family, "", [("plain", "text", 1)])

    together = lines(family, "", [("plain", "text", 1), (value, "text", 1)])

    assert together == alone + f'podres_test_info{{label0="{escape(value)}",label1="text"}} 1\n'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"', r"\""),
        ("\\", r"\\"),
        ("\n", r"\n"),
        ("\\n", r"\\n"),
        ('a\\"b\nc', r"a\\\"b\nc"),
        ("%s\r\t{}'", "%s\r\t{}'"),
    ],
)
def test_three_characters_are_escaped_and_no_other(value: str, expected: str) -> None:
    """Exposition formats, "Comments, help text, and type information": backslash, quote, line feed."""
    assert expected == escape(value)


def test_two_values_that_together_look_harmless_are_escaped() -> None:
    """The shorter way counts quotes and lines over all rows; nothing that one row has may make up for another."""
    for first, second in combinations(['"', "\n", "\\", '""', "", '\n"'], 2):
        actual = lines(rows_of("a"), "", [(first, 1), (second, 1)])

        assert (
            f'podres_test_info{{label0="{escape(first)}"}} 1\n' + (f'podres_test_info{{label0="{escape(second)}"}} 1\n')
            == actual
        )


@pytest.mark.parametrize(
    ("prefix", "labels", "row", "expected"),
    [
        ("", (), (1,), "m 1\n"),
        ('a="%s"', (), (1,), 'm{a="%s"} 1\n'),
        ("", ("b",), ("%d", 2.5), 'm{b="%d"} 2.5\n'),
        ('a="x"', ("b", "c"), ("y", "", 0), 'm{a="x",b="y",c=""} 0\n'),
    ],
)
def test_labels_are_separated_whatever_comes_first(
    prefix: str, labels: tuple[str, ...], row: Row, expected: str
) -> None:
    """Exposition formats, "Text format details": a comma between labels; percent signs are no templates."""
    assert expected == lines(Family("m", Kind.GAUGE, "M.", labels, "devices"), prefix, [row])


def test_a_family_without_rows_has_no_lines_and_no_header() -> None:
    """A header without samples is legal, and noise."""
    family = rows_of("a")

    assert lines(family, 'a="b"', []) == ""
    assert AllocationWriter([family], "n1", node_label=True).write(empty_allocation()) == []


def empty_allocation() -> Allocation:
    return Allocation((), (), CpuStock(None, frozenset()), (), None)


def test_an_identity_is_written_in_the_order_given() -> None:
    """The order of labels is the same on every line of a family."""
    assert identity(namespace='a"b', pod="c") == r'namespace="a\"b",pod="c"'
    assert identity() == ""


@pytest.mark.parametrize(
    ("kind", "name", "text", "openmetrics"),
    [
        (Kind.GAUGE, "podres_x_bytes", "podres_x_bytes gauge", "podres_x_bytes gauge"),
        (Kind.COUNTER, "podres_x_total", "podres_x_total counter", "podres_x counter"),
        (Kind.INFO, "podres_x_info", "podres_x_info gauge", "podres_x info"),
    ],
)
def test_each_format_has_its_own_header(kind: Kind, name: str, text: str, openmetrics: str) -> None:
    """OpenMetrics names the family without the suffix of its samples and has infos; the text format has neither."""
    family = Family(name, kind, "What it is.", (), "devices")

    in_text, in_openmetrics = text.partition(" ")[0], openmetrics.partition(" ")[0]
    assert f"# HELP {in_text} What it is.\n# TYPE {text}\n" == header(family, Format.TEXT)
    assert f"# HELP {in_openmetrics} What it is.\n# TYPE {openmetrics}\n" == header(family, Format.OPENMETRICS)


@pytest.mark.parametrize("text_format", Format)
def test_a_help_text_reads_back_as_it_was(text_format: Format) -> None:
    """Text escapes backslash and line feed in help, OpenMetrics the quote too (both formats, "Escaping")."""
    family = Family("podres_x", Kind.GAUGE, 'A "quoted" C:\\new\nline, 100 %.', (), "devices")
    end = "# EOF\n" if text_format is Format.OPENMETRICS else ""

    (metric,) = parsed(page([(family, "podres_x{} 1\n")], text_format) + end, text_format)

    assert family.help == metric.documentation


def test_a_text_page_leaves_quotes_in_help_alone() -> None:
    r"""In the text format `\"` has no meaning in help and would be shown as two characters."""
    family = Family("podres_x", Kind.GAUGE, 'Says "x".', (), "devices")

    assert '# HELP podres_x Says "x".\n' in header(family, Format.TEXT)
    assert r"# HELP podres_x Says \"x\"." in header(family, Format.OPENMETRICS)


@pytest.mark.parametrize("node_label", [True, False])
@pytest.mark.parametrize("text_format", Format)
def test_a_page_has_the_samples_of_its_snapshot(text_format: Format, node_label: bool) -> None:
    """The writer has a way of its own, for speed; `families.samples` is the specification."""
    pods = [
        Pod("b", "x", (Container("c", (Device("r", "0", frozenset({1})),)), Container("d"))),
        Pod("a", "y", (Container("c", exclusive_cpus=frozenset({2, 5})),)),
    ]
    snapshot = replace(holding(*pods, topology=TWO_NODES), sources=(SourceHealth("kubelet", True, 1),))

    actual = read_back(whole_page(snapshot, CATALOGUE, text_format, node_label=node_label), text_format)

    assert said_by(snapshot, CATALOGUE, node_label=node_label) == actual


DEVICE = Device("r", "0", frozenset())
ANOTHER = Device("r", "1", frozenset())


def counts(view: ContainerView, topology: Topology | None) -> Collection[Row]:
    return [(len(view.container.devices), len(topology.nodes) if topology else 0)]


COUNTING = ContainerFamily(
    "podres_container_x", Kind.GAUGE, "X.", ("devices",), "devices", rows=counts, concern=Concern.DEVICES
)


def allocation_of(snapshot: Snapshot) -> Allocation:
    assert snapshot.allocation is not None

    return snapshot.allocation


def test_a_family_is_asked_only_about_containers_that_it_concerns() -> None:
    """Most containers hold nothing of what a family is about."""
    allocation = allocation_of(
        holding(Pod("a", "x", (Container("c", (DEVICE, ANOTHER)), Container("d", exclusive_cpus=frozenset({1})))))
    )

    written = AllocationWriter([COUNTING], "n1", node_label=False).write(allocation)

    assert ['podres_container_x{namespace="a",pod="x",container="c",devices="2"} 0\n'] == [text for _, text in written]


@pytest.mark.parametrize("replica", ["", "::3", "/vgpu2"])
@pytest.mark.parametrize("odd", ["", '"', "\\", "\n"])
def test_devices_are_written_like_any_other_rows(replica: str, odd: str) -> None:
    """The quick way for thousands of plain devices and the careful one agree, whatever an id or a name has in it."""
    devices = tuple(Device(f"r{odd}", f"GPU-{number}{replica}", frozenset({number % 2})) for number in range(4))
    snapshot = holding(Pod("a", "x", (Container("c", devices),)), Pod("b", f"y{odd}", (Container("c", devices),)))

    written = AllocationWriter([CONTAINER_DEVICE_INFO], "n1", node_label=True).write(allocation_of(snapshot))

    text = page(written, Format.TEXT)
    assert said_by(snapshot, [CONTAINER_DEVICE_INFO], node_label=True) == read_back(text, Format.TEXT)


def test_a_changed_topology_writes_every_pod_again() -> None:
    """The lines of a pod depend on the nodes of its CPUs too."""
    writer = AllocationWriter([COUNTING], "n1", node_label=False)
    allocation = allocation_of(holding(Pod("a", "x", (Container("c", (DEVICE,)),))))
    writer.write(allocation)

    written = writer.write(replace(allocation, topology=TWO_NODES))

    assert 'podres_container_x{namespace="a",pod="x",container="c",devices="1"} 2\n' == written[0][1]


def test_a_pod_that_is_gone_leaves_the_page() -> None:
    """Nothing of one write is left for the next."""
    writer = AllocationWriter([COUNTING], "n1", node_label=False)
    allocation = allocation_of(holding(Pod("a", "x", (Container("c", (DEVICE,)),))))
    writer.write(allocation)

    assert [] == writer.write(replace(allocation, pods=()))
