"""The pods of one node, followed by list and watch."""
