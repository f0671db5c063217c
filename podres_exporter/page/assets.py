"""The style, the script and the icon of the page: files of the package, named by what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """
    One file. *digest* changes with its content: an address that has it may be kept by browsers for ever.
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
    """Return the files by name, read once by whoever serves them."""
    folder = resources.files("podres_exporter.page") / "files"
    found = {name: (folder / name).read_bytes() for name in _TYPES}
    return {name: Asset(name, _TYPES[name], data, sha256(data).hexdigest()[:16]) for name, data in found.items()}
