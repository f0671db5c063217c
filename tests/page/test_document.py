"""The whole page, for every kind of node."""

from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote

import pytest
from big_node import big_node
from document_samples import everything
from page_dom import Dom, dom
from page_nodes import EVIL, evil, huge, machine, snapshot, tiny

from podres_exporter.model import Snapshot

EMPTY = snapshot((), None, None)
NODES = {
    "tiny": tiny(),
    "large": huge(cpus=128, nodes=2, devices=100, pods=20),
    "huge": huge(),
    "one thread per core": huge(cpus=32, nodes=4, devices=40, pods=4, threads=1),
    "evil": evil(),
    "nothing told": EMPTY,
    "no pods": snapshot((), None, machine(4, 1)),
    "no allocation": replace(tiny(), allocation=None),
    "everything": everything(),
    "big": big_node(),
    "big, troubled": big_node(is_troubled=True),
}


@pytest.fixture(params=list(NODES.values()), ids=list(NODES))
def page(request: pytest.FixtureRequest) -> Dom:
    """Return the page of one of the nodes; that it is well-formed is checked on the way."""
    return dom(request.param)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(page: Dom) -> None:
    """What the Content-Security-Policy forbids is not even there."""
    addresses = [element[name] for element in page.elements for name in ("href", "src") if element[name]]

    assert [] == [name for each in page.elements for name in each.attributes if name.startswith("on")]
    assert [] == [each.tag for each in page.elements if "style" in each.attributes or each.tag == "style"]
    assert [""] == [each.text for each in page.elements if each.tag == "script"]
    assert [] == [each for each in addresses if not each.startswith(("#", "./", "assets/"))]


def test_identifiers_are_unique_and_every_reference_has_its_target(page: Dom) -> None:
    identifiers = [each["id"] for each in page.elements if each["id"]]
    labels = {each["aria-labelledby"] for each in page.elements} - {""}
    links = {unquote(each["href"][1:]) for each in page.elements if each["href"].startswith("#")} - {"pods"}

    assert len(identifiers) == len(set(identifiers))
    assert labels <= set(identifiers)
    assert links <= set(identifiers)


def test_whatever_is_held_leads_to_the_rows_of_its_pod(page: Dom) -> None:
    rows = {each["data-p"] for each in page.all("tbody")}

    assert {pod for each in page.elements for pod in each.pods} <= rows


def test_headings_skip_no_level(page: Dom) -> None:
    levels = [int(each.tag[1]) for each in page.elements if each.tag in {"h1", "h2", "h3", "h4"}]

    assert levels[0] == 1
    assert [] == [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1]


def test_what_somebody_woken_looks_for_comes_in_this_order() -> None:
    """What is wrong, what is free, who holds which device, then the pods and the machine."""
    order = [each["id"] for each in dom(tiny()).all("section") if "data-part" in each.attributes]

    assert ["status", "attention", "totals", "devices", "pods", "machine"] == order


def test_codes_are_unique(page: Dom) -> None:
    codes = [each.text for each in page.all("b", "code", within="pods")]

    assert len(codes) == len(set(codes))


def test_the_names_that_mean_harm_are_text() -> None:
    page = dom(evil())

    assert EVIL[0] == page.all("h1")[0].text.removeprefix("Node ")
    assert {"html", "head", "body"} == {e.tag for e in page.elements if e.tag in {"html", "head", "body", "img"}}
    assert len(EVIL) == len(page.all("tbody"))


def test_the_page_is_the_same_for_the_same_snapshot() -> None:
    assert dom(tiny()).html == dom(tiny()).html


def test_it_leads_to_the_metrics_and_the_document_wherever_the_site_is() -> None:
    """Relative addresses work below any path: the API server's pod proxy, an ingress."""
    assert ["./metrics", "./api/v1/snapshot"] == [each["href"] for each in dom(tiny()).all("a") if "./" in each["href"]]


def test_a_huge_node_stays_within_its_budget() -> None:
    """512 CPUs and 2,000 devices in less than 2 MB."""
    assert len(dom(huge()).html.encode()) < 2_000_000


@pytest.mark.parametrize("node", [EMPTY, replace(tiny(), allocation=None)], ids=["no pods", "no allocation"])
def test_there_is_a_page_whatever_is_missing(node: Snapshot) -> None:
    assert dom(node).one("status")
