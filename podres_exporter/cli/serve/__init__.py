"""`serve`: the daemon and its construction."""
