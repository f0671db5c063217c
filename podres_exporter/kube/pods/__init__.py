"""Follow the pods of one node by list and watch."""
