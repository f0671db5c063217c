"""
Pod metadata from the kubelet's own Pods API (KEP-4188), instead of the API server's.

A stream of the kubelet's socket is read, judged and fed into the same cache that the API server's reflector writes.
"""
