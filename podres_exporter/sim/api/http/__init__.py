"""Requests and answers of the API server, without a connection."""
