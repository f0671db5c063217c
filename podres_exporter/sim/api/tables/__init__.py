"""Server-side tables for kubectl."""
