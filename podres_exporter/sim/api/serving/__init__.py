"""The API server that listens: connections, routes, access, faults."""
