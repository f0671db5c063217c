"""
`--web.config.file`: TLS, basic auth, headers and rate limit, in the web config format of Prometheus exporters.

files reads files and detects changes; document parses the text; ciphers, tls, basic_auth, headers and rate_limit are
one concern each; protection combines them; reload applies changes. None of it is imported unless the flag is used.

Source: github.com/prometheus/exporter-toolkit, docs/web-configuration.md and web/tls_config.go.
"""
