"""The findings of `check`, one subject per module; each takes the evidence and returns findings."""
