"""The stylesheet, script and icon of the page, with addresses that contain a checksum of their content."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """
    One file. *digest*, a checksum, changes with its content: an address that contains it may be cached indefinitely.
    """

    name: str
    content_type: str
    data: bytes
    digest: str

    @property
    def address(self) -> str:
        """Where the page finds it, relative to itself: so that a proxy may put the site below any path."""
        return f"assets/{self.name}?{self.digest}"


def load_assets() -> Mapping[str, Asset]:
    """Return the files by name, read from the package."""
    folder = Path(__file__).with_name("files")
    found = {name: (folder / name).read_bytes() for name in _TYPES}
    return {name: Asset(name, _TYPES[name], data, f"{crc32(data):08x}") for name, data in found.items()}


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Paths of the site, beginning with `/`: the metrics as they are scraped, and the snapshot as JSON."""

    metrics: str
    snapshot: str
