"""`demo`, `simulate` and `simulate plugin`: the commands of the simulated node."""
