"""`kubectl podres`: the commands of `podres-exporter` for all nodes of a cluster."""
