"""Client of a running exporter's JSON snapshot. Nothing here needs gRPC."""
