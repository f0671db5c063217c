"""Find out who held a device at a given time, or over a period, from its series in Prometheus. Pure."""
