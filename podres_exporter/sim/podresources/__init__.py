"""The pod-resources endpoint of a simulated kubelet: its answers by release, its limits and its faults."""
