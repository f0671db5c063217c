"""Grafana dashboards as code: one module per dashboard, what they share in `promql`, `parts` and `frame`."""
