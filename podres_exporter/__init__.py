"""
podres-exporter: who holds which device, exclusive CPU, memory block and DRA claim on this Kubernetes node.

The kubelet answers that on a local socket only (the pod-resources API). This package asks it, joins what it hears, and
gives one frozen snapshot to Prometheus and to people. .github/CONTRIBUTING.md shows the layers, from socket to scrape.
"""

__version__ = "0.2.0"
