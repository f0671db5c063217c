"""
`--web.config.file`: TLS, passwords, headers and a rate limit, in the format that Prometheus' own exporters read.

files reads and remembers what was read; document is the text as records; ciphers, tls, users, headers and limit are one
concern each; protection puts them together; reload notices changes. None of it is loaded where the flag is not used.

Source: github.com/prometheus/exporter-toolkit, docs/web-configuration.md and web/tls_config.go.
"""
