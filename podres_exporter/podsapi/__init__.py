"""
Pod metadata from the kubelet's own Pods API (KEP-4188) instead of the API server.

Events are read from the kubelet's socket and fed into the same cache that the API server's reflector writes.
"""
