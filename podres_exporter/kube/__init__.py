"""The client of the Kubernetes API server: credentials, requests, and reflectors that list and watch."""
