"""HTTP requests and responses of the simulated API server, independent of the connection."""
