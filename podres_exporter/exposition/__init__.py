"""Render a snapshot for serving: Prometheus text and a JSON document."""

from podres_exporter.deferred import defer

# HTTP servers and clients for pages and push gateways of its own, 4 MiB: this package takes its metrics and registry.
defer("prometheus_client")
