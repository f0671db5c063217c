"""
The whole cluster: what the exporters of all nodes say, put together.

podlist reads the API server's pods, exporters says which of them to ask, reply and refusals read what comes back, and
outcome is what became of each node. tables, documents, whereto and health show it, part shows less of it. Pure: whoever
asks does the I/O.
"""
