"""Read YAML documents value by value, collecting every fault with its path."""
