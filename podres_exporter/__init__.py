"""
podres-exporter: exports which pod holds which device, exclusive CPU, memory block and DRA claim on a Kubernetes node.

The kubelet reports this only on a local socket, the pod-resources API. This package polls that socket, joins the
answers with pod metadata and NUMA topology, and serves one frozen snapshot to Prometheus and to people.
.github/CONTRIBUTING.md shows the layers, from socket to scrape.
"""

__version__ = "0.2.0"
