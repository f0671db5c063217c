"""A small Kubernetes API client: credentials, requests, and reflectors that list and watch."""
