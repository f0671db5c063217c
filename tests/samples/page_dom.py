"""Parse a page: its elements in order, with attributes and text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from page_nodes import MOMENT

from podres_exporter.model import Snapshot
from podres_exporter.page.assets import PageLinks, load_assets
from podres_exporter.page.document import render

VOID = {"meta", "link", "input", "br", "wbr"}
LINKS = PageLinks("/metrics", "/api/v1/snapshot")


@dataclass(slots=True, eq=False, repr=False)
class Element:
    """One element; *text* is that of all below it."""

    tag: str
    attributes: Mapping[str, str]
    inside: tuple["Element", ...]
    children: list["Element"] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        return "".join(self.chunks)

    @property
    def classes(self) -> set[str]:
        return set(self["class"].split())

    @property
    def pods(self) -> list[str]:
        return self["data-p"].split()


class Dom(HTMLParser):
    """Reads strictly: whatever is opened must be closed in turn."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.html = html
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open[-1].tag}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open))
        self.elements.append(element)
        for each in self._open[-1:]:
            each.children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open[-1].tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.chunks.append(data)

    def all(self, tag: str = "", *classes: str, within: str = "", **attributes: str) -> list[Element]:
        """Return the elements with this tag, these classes and attributes (`_` for `-`), below the one with that id."""
        return [
            each
            for each in self.elements
            if (not tag or each.tag == tag)
            and each.classes.issuperset(classes)
            and all(each[name.replace("_", "-")] == value for name, value in attributes.items())
            and (not within or any(outer["id"] == within for outer in each.inside))
        ]

    def one(self, identifier: str) -> Element:
        """Return the element with this id."""
        found = [each for each in self.elements if each["id"] == identifier]
        assert len(found) == 1, f"{len(found)} elements have the id {identifier}"
        return found[0]

    def pod(self, name: str) -> Element:
        """Return the rows of a pod, `namespace/name`."""
        return self.one(f"pod/{name}")

    def kind(self, heading: str) -> list[Element]:
        """Return the boxes of what a place has of one kind, by the first words of their heading."""
        boxes = self.all("section", "kind")
        return [box for box in boxes if box.children[0].text.split(" ")[0] == heading]


def dom(snapshot: Snapshot) -> Dom:
    """Return the page of a snapshot."""
    return Dom(render(snapshot, MOMENT, load_assets(), LINKS))
