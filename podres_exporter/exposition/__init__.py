"""The snapshot as text for Prometheus."""
