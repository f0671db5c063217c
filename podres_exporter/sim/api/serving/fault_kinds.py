"""The kinds of faults that can be injected into a request or an open watch."""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Fail:
    """
    Answer with this code; 403 is RBAC's refusal, 410 what an old version gets, 429 is plain text.

    *missing_roles* are the cluster roles that a 403 says were not found: those of an API server that has just started.
    """

    code: int
    retry_after_seconds: int | None = None
    missing_roles: tuple[str, ...] = ()


YOUNG = Fail(403, missing_roles=("podres-exporter", "system:basic-user", "system:discovery"))
"""What an API server answers before it has loaded the roles that bindings name."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer as usual, this much later by the server's clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send the head at once and the body in pieces, this much apart by the server's clock."""

    seconds: float
    piece_bytes: int = 1024


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request and never answer; `Faults.clear` closes the connection."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer."""


RequestFault = Fail | Delay | Trickle | Hang | Drop


class StreamFault(Enum):
    """What can happen to a watch that is open."""

    CLOSE = auto()
    """It ends as if its time were over."""
    CUT = auto()
    """The connection closes without the last chunk."""
    EXPIRE = auto()
    """An ERROR event with Status 410, then the end."""
    TRUNCATE = auto()
    """Half of an event's line, then the end."""
    OVERSIZE = auto()
    """An event in one line of `oversized_line_bytes`, a bookmark and valid; the watch goes on."""
    STALL = auto()
    """Nothing more is sent, and the connection stays open until the client or `Faults.clear` closes it."""
