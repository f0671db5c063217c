"""
podres-exporter: who holds which device, exclusive CPU, memory block and DRA claim on this Kubernetes node.

The kubelet answers that on a local socket only (the pod-resources API). This package asks it, joins what it hears, and
gives one frozen snapshot to Prometheus and to people. The layers, from socket to scrape, are drawn in README.md.
"""

__version__ = "0.1.0"
