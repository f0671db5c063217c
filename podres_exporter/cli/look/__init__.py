"""Where a one-shot command reads its snapshot from: the node, a file or a running exporter."""
