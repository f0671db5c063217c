"""The findings of `check`, one subject a module; each takes the evidence and gives findings."""
