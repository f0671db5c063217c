"""The records of a recording: the raw answers from reading a node once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.errors import Reason
from podres_exporter.model import Dra, Metadata, Topology


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a source gave no usable answer; *detail* is for display."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One RPC to the kubelet: *answer* are the raw bytes (None if none came), *refusal* is None on success. Bytes that
    could not be decoded have both.
    """

    answer: bytes | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """
    The answers from reading a node once.

    *calls* are by RPC; a missing RPC was not called. *socket_age_seconds* is None if there was no socket. *metadata* is
    None if there is no pod metadata; *metadata_refusal* says why if the API server refused. *dra* is
    None if slices and claims were not requested, or are not served. *names_hidden*: names are
    replaced by pseudonyms. *recorded_at_seconds* are Unix seconds.
    """

    node: str
    version: str
    recorded_at_seconds: float
    calls: Mapping[str, Call] = field(default_factory=dict)
    socket_age_seconds: float | None = None
    topology: Topology | Refusal | None = None
    metadata: Metadata | None = None
    metadata_refusal: Refusal | None = None
    dra: Dra | None = None
    names_hidden: bool = False
