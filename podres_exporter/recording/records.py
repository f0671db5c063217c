"""The records of a recording: the raw answers of one look at a node."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.errors import Reason
from podres_exporter.model import Metadata, Topology


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a source gave no usable answer; *detail* is for people."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One RPC to the kubelet. *answer* are the bytes as they came, None where none came; *refusal* is None where all went
    well. Bytes that could not be read have both.
    """

    answer: bytes | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """
    The answers of one look.

    *calls* are by RPC; one that is missing was not asked. *socket_age_seconds* is None where there was no socket.
    *metadata* is None where the API server was not asked, for which *metadata_refusal* may be the reason.
    *names_hidden*: names are replaced by pseudonyms. *recorded_at_seconds* are Unix seconds.
    """

    node: str
    version: str
    recorded_at_seconds: float
    calls: Mapping[str, Call] = field(default_factory=dict)
    socket_age_seconds: float | None = None
    topology: Topology | Refusal | None = None
    metadata: Metadata | None = None
    metadata_refusal: Refusal | None = None
    names_hidden: bool = False
