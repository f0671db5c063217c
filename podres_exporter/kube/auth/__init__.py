"""Credentials for the API server: service accounts, kubeconfigs and credential plugins."""
