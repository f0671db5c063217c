"""What may stand between clients and answers; podres_exporter.web.config has the one there is."""

import socket
from collections.abc import Callable, Collection
from typing import Protocol

from podres_exporter.web.channel import Channel
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response

Answer = Callable[[Request], Response]


class Shield(Protocol):
    """TLS, passwords, a rate limit and headers. Its methods are called by many threads at once."""

    @property
    def is_tls(self) -> bool:
        """Whether clients must speak TLS; never changes."""
        ...

    def open(self, sock: socket.socket) -> Channel:
        """Return the encrypted channel, after the handshake; raises OSError where there can be none."""
        ...

    def guard(self, answer: Answer, open_paths: Collection[str]) -> Answer:
        """Return *answer* for those who may have it; *open_paths* are for everyone."""
        ...
