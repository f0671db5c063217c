"""
Metric families: what they are called, and the pure functions that compute their rows from a snapshot.

Nothing is imported here: `dump` needs the names of the collectors, and no family.
"""
