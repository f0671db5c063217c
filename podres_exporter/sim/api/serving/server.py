"""The simulated API server: start and stop it, and its kubeconfig."""

import base64
import functools
import socket
import ssl
import threading

import yaml

from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.sim.api.serving.backends import Backends
from podres_exporter.sim.api.serving.faults import Faults
from podres_exporter.sim.api.serving.handler import Handler
from podres_exporter.sim.api.serving.journal import Journal
from podres_exporter.sim.api.serving.listener import Listener
from podres_exporter.sim.api.serving.state import ServerState
from podres_exporter.sim.api.storage.store import Store
from podres_exporter.sim.lifecycle import Startable

DEFAULT_USER = "system:serviceaccount:monitoring:podres-exporter"
DEFAULT_VERSION = "v1.36.3"


class ApiServer(Startable):
    """
    A small Kubernetes API server: what the exporter and kubectl ask for, with the real one's answers.

    It speaks plain HTTP unless it is given a TLS context.
    `faults`, `requests` and `backends` may be used at any time, from any thread, also while the server is down.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        address: tuple[str, int] = ("127.0.0.1", 0),
        token: str | None = None,
        *,
        user: str = DEFAULT_USER,
        version: str = DEFAULT_VERSION,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Bind the address, without accepting yet; port 0 is one that the kernel picks.

        With *token* every request needs it as bearer token. Raises ConfigError where the address cannot be used.
        """
        self._state = ServerState(store, clock, token, user, version)
        self._tls = tls
        self._held: socket.socket | None = _bind(address)
        self._address: tuple[str, int] = self._held.getsockname()[:2]
        self._listener: Listener | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is or will be reached, without a final slash; stays the same when it goes down."""
        host, port = self._address
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def faults(self) -> Faults:
        """What goes wrong with requests and watches."""
        return self._state.faults

    @property
    def requests(self) -> Journal:
        """What clients have asked for."""
        return self._state.journal

    @property
    def backends(self) -> Backends:
        """Who answers for which pod when it is asked through the proxy."""
        return self._state.backends

    @property
    def token(self) -> str | None:
        """The bearer token that every request needs; set it to rotate it. None lets everybody in."""
        return self._state.token

    @token.setter
    def token(self, token: str | None) -> None:
        """Want another token from the next request on; open watches go on, as with the real server."""
        self._state.token = token

    def start(self) -> None:
        """Begin to accept, also after `go_down` or `stop`; returns at once. Raises ConfigError: the port is taken."""
        with self._lock:
            if self._listener is not None:
                return
            listener = self._held or _bind(self._address)
            self._held = None
            self._listener = Listener(listener, functools.partial(Handler, self._state), self._tls)
            self._listener.start()

    def go_down(self) -> None:
        """Cut every connection and refuse new ones until `start`; the port stays ours. A listener must not call it."""
        with self._lock:
            self._close_listener()
            if self._held is None:
                self._held = _bind(self._address)

    def drop_connections(self) -> None:
        """Cut every connection that is open now, and go on accepting."""
        with self._lock:
            if self._listener is not None:
                self._listener.cut_connections()

    def stop(self) -> None:
        """Cut every connection and give the port back; returns within a second, and does nothing the second time."""
        with self._lock:
            self._close_listener()
            if self._held is not None:
                self._held.close()
                self._held = None

    def _close_listener(self) -> None:
        """End the period in which the server can be reached."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _bind(address: tuple[str, int]) -> socket.socket:
    """Return a bound socket that does not listen: connections to it are refused. Raises ConfigError."""
    bound = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        problem = f"the simulated API server cannot listen on {address[0]} port {address[1]}: {error.strerror}"
        raise ConfigError([problem]) from error
    return bound


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
