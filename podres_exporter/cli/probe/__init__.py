"""Gather the evidence of `check` from the socket, the kubelet and the API server."""
