"""A sample device plugin, for the simulated kubelet and for a real one."""
