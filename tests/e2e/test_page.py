"""The page in a real browser (Debian's chromium), in front of a node whose pods come and go."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from big_node import big_node
from live_bench import NUMA, container, manifest
from page_dom import LINKS
from page_nodes import evil, huge, tiny

from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.sim.node import metadata_flags
from podres_exporter.clock import SystemClock
from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.listen import ListenAddress
from podres_exporter.model import Snapshot
from podres_exporter.page.assets import load_assets
from podres_exporter.page.published import SnapshotPage
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode
from podres_exporter.web.page_routes import page_routes
from podres_exporter.web.server import WebServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCENARIO = f"""
node: n1
kubelet: {{release: "1.36", cpu_manager: {{policy: static, reserved: "0,4"}}}}
{NUMA}
resources:
  - name: example.com/gpu
    devices: [{{id: GPU-0, numa_nodes: [0]}}, {{id: GPU-1, numa_nodes: [1]}}, {{id: GPU-2, numa_nodes: [1]}}]
"""
"""Two NUMA nodes with four CPUs each."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield a browser; the tests are skipped where there is none."""
    missing = [
        name
        for name, found in {
            "Debian's package chromium": CHROMIUM,
            "playwright": importlib.util.find_spec("playwright"),
            "axe-playwright-python": importlib.util.find_spec("axe_playwright_python"),
        }.items()
        if not found
    ]
    if missing:
        assert "CI" not in os.environ, f"CI installs {missing}"
        pytest.skip(f"no browser; install {', '.join(missing)}")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not on every machine

    with sync_playwright() as playwright:
        # Root has no sandbox, and containers little shared memory.
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield started
        started.close()


class Exporter:
    """An exporter in front of a node that admits pods."""

    def __init__(self, directory: Path) -> None:
        self.node = LiveNode(parse_scenario(SCENARIO, "test"), directory, SystemClock())
        given: dict[str, str | bool | list[str]] = {
            "--kubelet.socket": str(self.node.socket_path),
            "--topology.sysfs": str(self.node.sysfs),
            "--web.listen-address": ["127.0.0.1:0"],
            "--web.telemetry-path": "/own/metrics",
            "--kubelet.poll-interval": "1s",
            "--snapshot.hold-down": "0s",
            "--node-name": "n1",
            **metadata_flags(self.node, directory),
        }
        self.daemon = Daemon(build_config(given, {}, "n1", COLLECTORS, DEFAULT_COLLECTORS), {}, SystemClock())

    @property
    def url(self) -> str:
        return self.daemon.addresses[0].url

    def create(self, name: str, **asked: Any) -> None:
        self.node.create(manifest(name, container(**asked)))

    def delete(self, name: str) -> None:
        self.node.store.delete(PODS, "default", name)


@pytest.fixture
def exporter(short_dir: Path) -> Iterator[Exporter]:
    """Yield an exporter whose node has the pods train (2 CPUs, a GPU) and web (nothing)."""
    made = Exporter(short_dir)
    with made.node:
        made.node.devices.wait_until(lambda: "example.com/gpu" in made.node.devices.known(), 60.0)
        made.create("train", cpu="2", memory="1Gi", gpu=1)
        made.create("web")
        made.daemon.start()
        yield made
        assert made.daemon.stop()


class Visitor:
    """One tab, with all that it complained about and asked for."""

    def __init__(self, browser: Any, **context: Any) -> None:
        self.context = browser.new_context(reduced_motion="reduce", **context)
        self.tab = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))

    def see(self, exporter: Exporter, *pods: str, fragment: str = "") -> Any:
        """Return the tab, once it shows these pods."""
        self.tab.goto(f"{exporter.url}/{fragment}")
        for name in pods:
            self.tab.wait_for_selector(f'[id="pod/default/{name}"]', state="attached")
        return self.tab

    def lit(self) -> list[str]:
        """Return the titles of the CPUs and devices of the pictures that are lit up."""
        things = self.tab.locator("main .c.lit, main .dev.lit")
        return sorted(things.evaluate_all("all => all.map(each => each.title.split(':')[0])"))


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """Yield a function that opens a tab; afterwards none has complained or asked anyone but the exporter."""
    opened: list[Visitor] = []

    def begin(**context: Any) -> Visitor:
        opened.append(Visitor(browser, **context))
        return opened[-1]

    yield begin
    for visitor in opened:
        visitor.context.close()
    assert [] == [complaint for visitor in opened for complaint in visitor.complaints]
    assert 1 >= len({urlsplit(url).netloc for visitor in opened for url in visitor.requests})


def shown_when_loaded(exporter: Exporter, visitor: Visitor) -> Any:
    """Return the tab once the exporter has told of both pods; it renews itself."""
    return visitor.see(exporter, "train", "web")


def test_a_chosen_pod_lights_up_what_it_holds_and_nothing_else(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    tab.click('#machine .legend a.chip[href="#pod/default/train"]')
    held = visitor.lit()

    assert 3 == len(held)
    assert [True, True, True] == [bool(re.match(r"CPU [1-7]$|GPU-[0-2]$", title)) for title in held]
    assert "#pod/default/train" == tab.evaluate("location.hash")
    assert tab.inner_text("#chosen").startswith("default/train holds 2 CPUs (")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_pod_is_chosen_and_left_by_keyboard(exporter: Exporter, visit: Any, key: str) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    tab.focus('#machine .legend a.chip[href="#pod/default/train"]')
    tab.keyboard.press(key)
    chosen = visitor.lit()
    tab.keyboard.press("Escape")

    assert 3 == len(chosen)
    assert [] == visitor.lit()
    assert tab.is_hidden("#chosen")
    assert f"{exporter.url}/" == tab.evaluate("location.href")


def test_clicking_a_cpu_chooses_its_pod_and_again_leaves_it(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    tab.locator("#machine .c[data-p]").first.click()
    chosen = visitor.lit()
    tab.locator("#machine .c[data-p]").first.click()

    assert (3, 0) == (len(chosen), len(visitor.lit()))


def test_the_choice_comes_back_with_the_address(exporter: Exporter, visit: Any) -> None:
    shown_when_loaded(exporter, visit())
    visitor = visit()
    tab = visitor.see(exporter, "train", fragment="#pod/default/train")

    assert 3 == len(visitor.lit())
    assert tab.is_visible("#chosen")


def test_search_leaves_the_rows_that_fit_and_lights_up_free_devices_too(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    free = tab.get_attribute("#devices .dev.free >> nth=0", "title").split(":")[0]
    tab.fill("#query", "TRAIN")
    by_name = tab.locator("tbody:visible").evaluate_all("all => all.map(each => each.dataset.name)")
    told = tab.inner_text("#matches")
    tab.fill("#query", free)

    assert ["default/train"] == by_name
    assert "1 of 2 pods" == told
    assert [free] == visitor.lit()
    assert "0 of 2 pods" == tab.inner_text("#matches")


def test_what_is_searched_is_in_the_address_and_comes_back_with_it(exporter: Exporter, visit: Any) -> None:
    """So that it can be pasted where others look for the same device."""
    tab = shown_when_loaded(exporter, visit())
    tab.fill("#query", "GPU-1 ")
    pasted = tab.evaluate("location.href")
    visitor = visit()
    visitor.tab.goto(pasted)
    visitor.tab.wait_for_selector(".dev.lit")

    assert f"{exporter.url}/?q=GPU-1" == pasted
    assert "GPU-1" == visitor.tab.input_value("#query")
    assert ["GPU-1"] == visitor.lit()
    visitor.tab.focus("#query")
    visitor.tab.keyboard.press("Escape")
    assert f"{exporter.url}/" == visitor.tab.evaluate("location.href")


def test_slash_begins_a_search_and_enter_goes_from_hit_to_hit(exporter: Exporter, visit: Any) -> None:
    visitor = visit(viewport={"width": 1000, "height": 300})
    tab = shown_when_loaded(exporter, visitor)
    here = "document.querySelector('.here')?.id || document.querySelector('.here')?.title"
    seen = "(r => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('.here').getBoundingClientRect())"
    tab.keyboard.press("/")
    tab.keyboard.type("train")
    before = tab.evaluate(here)
    found = []
    for key in ("Enter", "Enter", "Shift+Enter"):
        tab.keyboard.press(key)
        found.append((tab.evaluate(here), tab.evaluate(seen)))

    assert before is None
    assert re.match(r"GPU-[0-2]: held by default/train", found[0][0])
    assert ("pod/default/train", True) == found[1]
    assert found[0] == found[2]
    assert found[0][1]
    assert "1 of 4 hits" == tab.inner_text("#matches")


def test_a_click_on_a_device_id_copies_it_whole_and_a_button_the_command_for_the_pod(
    exporter: Exporter, visit: Any
) -> None:
    visitor = visit(permissions=["clipboard-read"])
    tab = shown_when_loaded(exporter, visitor)
    tab.locator("#devices .dev[data-p] .id").first.click()
    device = tab.evaluate("navigator.clipboard.readText()")
    told = tab.inner_text("#live")
    chosen_by_that = visitor.lit()
    tab.locator("#devices .dev.free .id").first.press("Enter")
    free = tab.evaluate("navigator.clipboard.readText()")
    tab.click('#pods a.chip[href="#pod/default/train"]')
    tab.click("#copy")

    assert re.fullmatch("GPU-[0-2]", device)
    assert re.fullmatch("GPU-[0-2]", free)
    assert free != device
    assert (f"Copied: {device}", []) == (told, chosen_by_that)
    assert "kubectl describe pod -n default train" == tab.evaluate("navigator.clipboard.readText()")


def test_what_comes_and_goes_is_shown_and_choice_search_and_focus_stay(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    tab.click('#machine .legend a.chip[href="#pod/default/train"]')
    tab.fill("#query", "a")
    tab.focus('#pods a.chip[href="#pod/default/train"]')
    exporter.create("late", cpu="2", memory="1Gi")
    tab.wait_for_selector('[id="pod/default/late"]', state="attached")
    focused = tab.evaluate("document.activeElement.getAttribute('href')")
    after_coming = visitor.lit()
    exporter.delete("late")
    tab.wait_for_selector('[id="pod/default/late"]', state="detached")

    assert "#pod/default/train" == focused
    assert (3, 3) == (len(after_coming), len(visitor.lit()))
    assert "a" == tab.input_value("#query")


def test_a_chosen_pod_that_goes_is_said_to_be_gone(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = visitor.see(exporter, "train", fragment="#pod/default/train")
    exporter.delete("train")
    tab.wait_for_selector("text=default/train is not on this node now")

    assert [] == visitor.lit()


def test_a_paused_page_asks_no_more(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    tab.click("#pause")
    tab.wait_for_timeout(200)
    before = len(visitor.requests)
    tab.wait_for_timeout(4000)

    assert before == len(visitor.requests)
    assert "true" == tab.get_attribute("#pause", "aria-pressed")


def test_an_exporter_that_is_gone_is_said_to_be(exporter: Exporter, browser: Any) -> None:
    """The browser complains about the refused connection, as it should."""
    visitor = Visitor(browser)
    tab = shown_when_loaded(exporter, visitor)
    exporter.daemon.stop()
    tab.wait_for_selector("#live.lost")
    said = tab.inner_text("#live")
    visitor.context.close()

    assert said.startswith("The exporter has not answered since ")


def test_without_a_script_all_is_there_but_what_only_it_can_do(exporter: Exporter, visit: Any) -> None:
    shown_when_loaded(exporter, visit())
    tab = visit(java_script_enabled=False).see(exporter, "train")
    tab.click('#machine .legend a.chip[href="#pod/default/train"]')
    tab.click('[id="pod/default/train"] summary')

    assert tab.is_hidden("#tools")
    assert "#pod/default/train" == tab.url.removeprefix(f"{exporter.url}/")
    assert re.search(r"GPU-[012]", tab.inner_text('[id="pod/default/train"] details'))


def test_the_links_lead_to_the_metrics_and_the_document(exporter: Exporter, visit: Any) -> None:
    visitor = visit()
    tab = shown_when_loaded(exporter, visitor)
    links = tab.locator("header nav a").evaluate_all("all => all.map(each => each.href)")
    answers = [visitor.context.request.get(link) for link in links]

    assert [f"{exporter.url}/own/metrics", f"{exporter.url}/api/v1/snapshot"] == links
    assert [200, 200] == [answer.status for answer in answers]


@dataclass(frozen=True)
class Still:
    """A snapshot that does not change."""

    snapshot: Snapshot
    generated_at_seconds: float = 1.0


@contextmanager
def still(visitor: Visitor, name: str) -> Iterator[Any]:
    """Yield a tab with the page of a node; it is closed before its server is, or it would miss it."""
    assets, shown = load_assets(), Still(NODES[name])
    routes = page_routes(SnapshotPage(lambda: shown, assets, LINKS).body, assets.values())
    server = WebServer([ListenAddress("127.0.0.1", 0)], routes, max_requests=8, clock=SystemClock())
    server.start()
    try:
        visitor.tab.goto(server.addresses[0].url)
        yield visitor.tab
    finally:
        visitor.context.close()
        server.stop()


NODES = {
    "tiny": tiny(),
    "huge": huge(),
    "evil": evil(),
    "no allocation": replace(tiny(), allocation=None),
    "big": big_node(),
    "big, troubled": big_node(is_troubled=True),
}
FOLDED = "pod/team-7/cache-7c9d5b92-p7wnc63"
"""A pod of the big node that holds something and stands in a fold."""


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(visit: Any, name: str, scheme: str) -> None:
    """Contrast, names, roles and order, by the rules of axe-core."""
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    with still(visit(color_scheme=scheme), name) as tab:
        found = axe.run(tab).response["violations"]

    assert [] == [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_nothing_has_to_be_scrolled_sideways(visit: Any, name: str, width: int) -> None:
    """WCAG 1.4.10, from 320 CSS pixels."""
    with still(visit(viewport={"width": width, "height": 900}), name) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("name", "most"), [("big", 900), ("big, troubled", 2 * 900)])
def test_a_big_node_is_four_screens_high(visit: Any, name: str, most: int) -> None:
    """
    8 NUMA nodes, 384 CPUs, 8 GPUs, 128 virtual functions, 110 pods (`node page` among the budgets).

    Whatever is wrong with it: what needs a look comes before the devices and the pods.
    """
    with still(visit(viewport={"width": 1400, "height": 900}), name) as tab:
        heights = {
            each: tab.evaluate(f"document.querySelector('#{each}').getBoundingClientRect().top")
            for each in ("devices", "pods")
        }

        assert tab.evaluate("document.documentElement.scrollHeight") <= 4 * 900
        assert heights["devices"] < 900
        assert heights["pods"] < most


@pytest.mark.parametrize("width", [400, 1000, 1400])
def test_a_name_that_has_no_room_keeps_its_end(visit: Any, width: int) -> None:
    """Pods of a Deployment, and GPUs, differ at their ends."""
    inside = """all => all.filter(each => {
        const end = each.lastElementChild.getBoundingClientRect();
        const box = each.closest(".chip, .id, td").getBoundingClientRect();
        return end.width > 0 && (end.right > box.right + 1 || end.left < box.left);
    }).map(each => each.textContent)"""
    with still(visit(viewport={"width": width, "height": 900}), "big, troubled") as tab:
        assert tab.locator("#devices .cut").count() > 8
        assert [] == tab.locator(".chip .cut, .id .cut, td .cut").evaluate_all(inside)


def test_a_search_opens_the_folds_that_it_needs_and_closes_them_again(visit: Any) -> None:
    with still(visit(), "big") as tab:
        row = tab.locator(f'[id="{FOLDED}"]')
        before = row.is_visible()
        tab.fill("#query", FOLDED.rpartition("/")[2])
        searched = row.is_visible(), tab.locator("tbody:visible").count()
        tab.fill("#query", "")

        assert (False, (True, 1), False) == (before, searched, row.is_visible())


def test_without_a_script_a_link_opens_the_fold_of_a_pod(visit: Any) -> None:
    visitor = visit(java_script_enabled=False)
    with still(visitor, "big") as tab:
        row = tab.locator(f'[id="{FOLDED}"]')
        before = row.is_visible()
        tab.goto(f"{tab.url}#{FOLDED}")

        assert (False, True) == (before, row.is_visible())


def test_ages_go_on(visit: Any) -> None:
    """As kubectl writes them, by the browser's clock: the page may have been open for an hour."""
    with still(visit(), "big") as tab:
        tab.locator("#devices time.age").first.evaluate(
            "each => { each.dateTime = new Date(Date.now() - 11100e3).toISOString(); }"
        )
        tab.wait_for_selector("#devices time.age >> text=3h5m")


def test_names_that_mean_harm_do_none(visit: Any) -> None:
    """No script runs, no image is asked for, and each pod can still be chosen."""
    visitor = visit()
    with still(visitor, "evil") as tab:
        chips = tab.locator("#pods tbody a.chip")
        for index in range(chips.count()):
            chips.nth(index).click()

            assert tab.locator("tbody.chosen").count() == 1
            tab.keyboard.press("Escape")
        asked = {urlsplit(each).path for each in visitor.requests}

    assert {"/", "/assets/page.css", "/assets/page.js", "/assets/icon.svg"} >= asked
