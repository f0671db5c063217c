"""The whole HTML document: header, what needs attention, what is free, devices, pods, CPUs and memory."""

from collections.abc import Mapping

from podres_exporter import __version__
from podres_exporter.model import Snapshot
from podres_exporter.page.assets import Asset, PageLinks
from podres_exporter.page.attention import attention
from podres_exporter.page.devices import devices
from podres_exporter.page.header import status
from podres_exporter.page.markup import escaped, moment
from podres_exporter.page.numa import numa
from podres_exporter.page.scene import scene
from podres_exporter.page.table import table
from podres_exporter.page.totals import totals


def render(
    snapshot: Snapshot,
    generated_at_seconds: float,
    assets: Mapping[str, Asset],
    links: PageLinks,
    why_down: str = "",
) -> str:
    """
    Return the page of a snapshot; equal arguments give equal text.

    *generated_at_seconds* are Unix seconds, to which ages count. *why_down* is what the kubelet's last error says. All
    addresses in it are relative, for proxies that serve it below a path.
    """
    css, script, icon = (assets[name] for name in ("page.css", "page.js", "icon.svg"))
    node = escaped(snapshot.node)
    return (
        f'<!DOCTYPE html><html lang="en" data-assets="{css.digest}{script.digest}"><head><meta charset="utf-8">'
        f"<title>{node} - podres-exporter</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="icon" href="{icon.address}" type="image/svg+xml"><link rel="stylesheet" href="{css.address}">'
        f'<script src="{script.address}" defer></script></head><body>'
        '<a class="skip" href="#pods">Skip to the pods</a>'
        f"<header><h1><small>Node</small> {node}</h1>{_links(links)}</header>"
        f'{_TOOLS}<main id="main">{_main(snapshot, generated_at_seconds, why_down)}</main>'
        f'<footer data-part id="footer">podres-exporter {escaped(__version__)}; this page is of '
        f"{moment(generated_at_seconds)}</footer>{_CHOSEN}</body></html>\n"
    )


def _main(snapshot: Snapshot, now_seconds: float, why_down: str) -> str:
    """Return the parts, the most urgent first."""
    allocation = snapshot.allocation
    if allocation is None:
        return status(snapshot, why_down)
    drawn = scene(snapshot, allocation, now_seconds)
    parts = (attention(drawn, snapshot), totals(drawn), devices(drawn), table(drawn, snapshot), numa(drawn))
    return status(snapshot, why_down) + "".join(parts)


def _links(links: PageLinks) -> str:
    rows = ((links.metrics, "Metrics"), (links.snapshot, "Snapshot as JSON"))
    anchors = " ".join(f'<a href=".{escaped(path)}">{name}</a>' for path, name in rows)
    return f'<nav aria-label="Raw data">{anchors}</nav>'


# What only the script can serve stays hidden until it runs, and stays in place while it replaces the parts of the page.
_TOOLS = (
    '<div id="tools" role="search" hidden><label for="query">Find</label>'
    '<input id="query" type="search" placeholder="pod, container, device (press /)" autocomplete="off"'
    ' spellcheck="false">'
    '<output id="matches" for="query"></output><button id="pause" type="button" aria-pressed="false">Pause</button>'
    '<span id="live" role="status"></span><span id="spoken" class="sr" role="status"></span></div>'
)
_CHOSEN = (
    '<aside id="chosen" aria-label="Chosen pod" hidden><p><b id="chosen-name"></b> <span id="chosen-says"></span></p>'
    '<p><a id="chosen-row" href="#pods">Show in table</a> '
    '<button id="copy" type="button">Copy kubectl command</button> '
    '<button id="clear" type="button">Clear (Esc)</button></p>'
    "</aside>"
)
