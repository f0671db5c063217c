"""HTTP client for a running exporter's JSON snapshot. Does not need gRPC."""
