"""A kubeconfig for whoever shall talk to the simulated API server."""

import base64

import yaml

_NAME = "simulated"


def kubeconfig(url: str, token: str | None = None, certificate_authority: bytes | None = None) -> str:
    """
    Return the text of a kubeconfig with one context.

    *certificate_authority* is the PEM of who has signed the server's certificate; the text holds it, no file is needed.

    Without a token the user is empty. The Python client sends the token; kubectl reads no user at all for a server
    without TLS (clientcmd, `restclient.IsConfigTransportTLS`), so that a server for kubectl must not want one.
    """
    user = {} if token is None else {"token": token}
    trust = {}
    if certificate_authority is not None:
        trust["certificate-authority-data"] = base64.b64encode(certificate_authority).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url, **trust}}],
        "users": [{"name": _NAME, "user": user}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}],
        "current-context": _NAME,
    }
    return yaml.safe_dump(content, sort_keys=False)
