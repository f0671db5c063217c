"""The pod-resources endpoint of the simulated kubelet: answers by release, rate limit and faults."""
