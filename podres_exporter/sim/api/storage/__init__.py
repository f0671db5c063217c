"""Storage of the simulated API server: versioned objects, and their changes for watches."""
