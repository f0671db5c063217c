"""The running API server: connections, routing, authorization and injected faults."""
