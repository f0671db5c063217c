"""A small Kubernetes API client: credentials, requests, and reflectors that list and watch."""

from podres_exporter.deferred import defer

# HTTP/2, which is off, looks for its version as it is imported, with what reads archives: 1 MiB on every node.
defer("urllib3", "urllib3.http2")
