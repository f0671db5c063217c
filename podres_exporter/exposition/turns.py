"""Take turns where much memory is needed for a moment, so that the peaks do not add up."""

import threading

RENDERING = threading.Lock()
"""Held while the page or the JSON document is made: at 50,000 devices each takes tens of MiB. No scrape holds it."""
