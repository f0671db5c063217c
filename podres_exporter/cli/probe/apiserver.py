"""Gather evidence on the API server: permissions, the pods of the node, and the keys of their labels."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Raw, Struct
from msgspec.json import Decoder

from podres_exporter.check.evidence import AccessAnswer, Account, ApiServer, DraAccess, PodsAnswer
from podres_exporter.check.findings.rights import DRA_RIGHTS
from podres_exporter.cli.serve.metadata import kube_client
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.access_review import review
from podres_exporter.kube.auth.credentials import SERVICE_ACCOUNT
from podres_exporter.kube.client import KubeClient, Limits
from podres_exporter.kube.dra.claims import Users
from podres_exporter.kube.dra.once import DraOnce
from podres_exporter.kube.dra.source import GROUP, served_version
from podres_exporter.kube.interfaces import VERBS
from podres_exporter.kube.reflector.list_watch import pods_of_node
from podres_exporter.model import Dra, Metadata
from podres_exporter.podmeta import PodDecoder, decode_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from podres_exporter.clock import Clock
    from podres_exporter.config import Config

LIMITS = Limits(connect_seconds=5.0, list_seconds=15.0)
REVIEW_SECONDS = 5.0

_UNANSWERED = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})


class ApiProbe:
    """Queries one API server as `serve` would."""

    def __init__(self, config: Config, client: KubeClient, clock: Clock) -> None:
        """Connect at the first request. Raises ConfigError without a node name."""
        self.account = _account(config, client)
        self._clock, self._client, self._node = clock, client, config.node_name
        self._review_seconds = min(client.limits.list_seconds, REVIEW_SECONDS)
        self._transport = pods_of_node(client, config.node_name)
        self._reads_dra, self._is_away = "dra" in config.collectors, False
        self._decoder = PodDecoder(config.pod_labels_allowlist, config.node_name)

    def reviews(self) -> dict[str, AccessAnswer | ApiServerError]:
        """Return the answer on each permission; the second is skipped if the first was not answered at all."""
        found: dict[str, AccessAnswer | ApiServerError] = {}
        for verb in VERBS:
            answer = found[verb] = self._review(verb)
            if isinstance(answer, ApiServerError) and answer.reason in _UNANSWERED:
                break
        return found

    def dra(self) -> DraAccess | ApiServerError | None:
        """Return which DRA API is served and readable, None if DRA is off or the server did not answer."""
        if not self._reads_dra or self._is_away:
            return None
        try:
            version = served_version(self._client)
            if version is None:
                return DraAccess("")
            missing = [
                (verb, resource)
                for verb, resource in DRA_RIGHTS
                if not review(self._client, verb, self._review_seconds, resource, GROUP).is_allowed
            ]
        except ApiServerError as error:
            return error
        return DraAccess(version, tuple(missing))

    def read_dra(self, access: DraAccess | ApiServerError | None, pods: Users) -> Dra | None:
        """Return the node's slices, and these claims; None where they cannot be read."""
        if not isinstance(access, DraAccess) or not access.version or access.missing:
            return None
        source = DraOnce(self._client, self._node, self._clock, access.version)
        source.want(pods)
        return source.dra()

    def list(self) -> tuple[PodsAnswer | ApiServerError, Metadata | None]:
        """Return the result of listing the node's pods, and the pods."""
        began = self._clock.monotonic_seconds()
        try:
            body = self._transport.list()
            seconds = self._clock.monotonic_seconds() - began
            found = decode_list(body, self._decoder)
        except ApiServerError as error:
            self._is_away = error.reason in _UNANSWERED
            return error, None
        unreadable = tuple(f"{item.path}: {item.problem}" for item in found.malformed)
        answer = PodsAnswer(seconds, len(body), len(found.pods), unreadable, label_keys(body))
        pods = {pod.meta.key: pod.meta for pod in found.pods}
        metadata = Metadata(pods, synced=not unreadable, is_up=True, last_success_seconds=self._clock.wall_seconds())
        return answer, metadata

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _review(self, verb: str) -> AccessAnswer | ApiServerError:
        began, wall = self._clock.monotonic_seconds(), self._clock.wall_seconds()
        try:
            found = review(self._client, verb, self._review_seconds)
        except ApiServerError as error:
            return error
        seconds = self._clock.monotonic_seconds() - began
        return AccessAnswer(found.is_allowed, found.said, seconds, wall + seconds / 2, found.date_seconds)


def connect(
    config: Config,
    environment: Mapping[str, str],
    clock: Clock,
    limits: Limits = LIMITS,
    service_account: Path = SERVICE_ACCOUNT,
) -> ApiProbe | ApiServer:
    """Return the API client, or, without credentials, the complete evidence."""
    try:
        return ApiProbe(config, kube_client(config, environment, clock, limits, service_account), clock)
    except ConfigError as error:
        return ApiServer(problem="; ".join(error.problems))


def _account(config: Config, client: KubeClient) -> Account:
    """Return our identity without secrets: a proxy's URL may contain a password."""
    if config.metadata_kubeconfig is None:
        source = "the service account of this pod"
    else:
        context = f", context {config.metadata_context}" if config.metadata_context else ""
        source = f"the kubeconfig {config.metadata_kubeconfig}{context}"
    endpoint = client.endpoint
    proxy = urlsplit(endpoint.proxy) if endpoint.proxy else None
    return Account(
        source,
        endpoint.url,
        is_verified=endpoint.is_verified,
        proxy=f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}" if proxy else "",
    )


class _Metadata(Struct):
    labels: dict[str, str] | None = None


class _Pod(Struct):
    metadata: _Metadata


class _List(Struct):
    items: list[Raw] | None = None


_LIST, _POD = Decoder(_List), Decoder(_Pod)


def label_keys(body: bytes) -> Counter[str]:
    """
    Return how many pods of a list have each label key.

    Unreadable pods are ignored; the pod decoder reports them.
    """
    keys: Counter[str] = Counter()
    try:
        items = _LIST.decode(body).items or []
    except (ValueError, RecursionError):
        return keys
    for item in items:
        try:
            keys.update((_POD.decode(item).metadata.labels or {}).keys())
        except (ValueError, RecursionError):
            continue
    return keys
