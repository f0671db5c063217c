"""Where the page leads to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Paths of the site, beginning with `/`: the metrics as they are scraped, and the snapshot as JSON."""

    metrics: str
    snapshot: str
