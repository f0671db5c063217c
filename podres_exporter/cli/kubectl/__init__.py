"""`kubectl podres`: the same commands for every node of a cluster."""
