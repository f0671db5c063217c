"""Who held a device at a moment or over a range, from the series that a Prometheus has of it; pure."""
