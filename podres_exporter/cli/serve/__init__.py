"""`serve`: the daemon and how it is put together."""
