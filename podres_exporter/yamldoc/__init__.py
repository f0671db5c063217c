"""YAML documents read value by value: every fault is noted with its path, and reading goes on."""
