"""The snapshot as it is served: text for Prometheus, and a JSON document."""

from podres_exporter.deferred import defer

# HTTP servers and clients for pages and push gateways of its own, 4 MiB: this package takes its metrics and registry.
defer("prometheus_client")
