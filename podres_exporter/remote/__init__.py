"""A running exporter, asked from afar for its snapshot. Nothing here needs gRPC."""
