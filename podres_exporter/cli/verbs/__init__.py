"""The one-shot commands: `dump`, `explain`, `fit`, `check` and `metrics`."""
