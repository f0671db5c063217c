"""Grafana dashboards as code: one module per dashboard; shared parts are in `promql`, `parts`, `tables` and `frame`."""
