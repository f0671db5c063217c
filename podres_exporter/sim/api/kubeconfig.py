"""A kubeconfig for whoever shall talk to the simulated API server."""

import yaml

_NAME = "simulated"


def kubeconfig(url: str, token: str | None = None) -> str:
    """
    Return the text of a kubeconfig with one context.

    Without a token the user is empty. The Python client sends the token; kubectl reads no user at all for a server
    without TLS (clientcmd, `restclient.IsConfigTransportTLS`), so that a server for kubectl must not want one.
    """
    user = {} if token is None else {"token": token}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url}}],
        "users": [{"name": _NAME, "user": user}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}],
        "current-context": _NAME,
    }
    return yaml.safe_dump(content, sort_keys=False)
