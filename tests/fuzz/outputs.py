"""Check all outputs of a fuzzed snapshot: metrics page, JSON document, HTML page."""

import json
from collections import Counter

import msgspec.json
from fuzz.engine import PromiseError
from pages import Series, read_back, said_by, whole_page

from podres_exporter.document import decode, encode
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.model import Snapshot
from podres_exporter.page.assets import PageLinks, load_assets
from podres_exporter.page.document import render

_ASSETS = load_assets()
_LINKS = PageLinks("/metrics", "/api/v1/snapshot")


def check_page(snapshot: Snapshot) -> list[Series]:
    """
    Return the series of the snapshot's page, once both formats are bytes, parse, and say what the snapshot says.

    The parsers are prometheus_client's. Raises PromiseError.
    """
    said = said_by(snapshot, CATALOGUE)
    twice = [series for series, times in Counter((name, labels) for name, labels, _ in said).items() if times > 1]
    if twice:
        raise PromiseError(f"a series comes twice: {twice[0]!r}")
    for text_format in Format:
        page = whole_page(snapshot, CATALOGUE, text_format).encode()
        read = read_back(page.decode(), text_format)
        if said != read:
            differing = sorted(set(said) ^ set(read))[:2]
            raise PromiseError(f"the page reads back to something else: {text_format}: {differing!r}")
    return said


def check_everything(snapshot: Snapshot) -> list[Series]:
    """Return the same, once the document has come back from JSON, and the page for people has been made, too."""
    said = check_page(snapshot)
    document = msgspec.json.encode(encode(snapshot, generated_at_seconds=1.7e9, version="1"))
    if decode(json.loads(document)) != snapshot:
        raise PromiseError("the document reads back to something else")
    html = render(snapshot, 1.7e9, _ASSETS, _LINKS).encode()
    if b"<script>" in html.lower():
        raise PromiseError("a name became markup of the page for people")
    return said


def check_message(error: Exception) -> str:
    """Return the name of the error's class, once its message says something, within reason. Raises PromiseError."""
    text = str(error)
    if len(text) < 8:
        raise PromiseError(f"an error without a message: {error!r}") from error
    return type(error).__name__
