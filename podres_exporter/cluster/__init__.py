"""
The whole cluster: combine the snapshots of all nodes' exporters.

pod_list decodes the API server's pods, exporters chooses those to query, reply and refusals decode the answers, and
outcome is the result for each node. tables, documents, fit and health present them, narrow filters them. Pure: requests
are sent elsewhere (`cli.kubectl`).
"""
