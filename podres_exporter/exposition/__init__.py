"""The snapshot as it is served: text for Prometheus, and a JSON document."""
