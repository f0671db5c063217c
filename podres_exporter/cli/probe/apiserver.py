"""What `check` asks the API server: whether we may, and the pods of the node."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from podres_exporter.check.evidence import AccessAnswer, Account, ApiServer, PodsAnswer
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.accessreview import AccessReviewer
from podres_exporter.kube.client import ApiServerClient, Limits
from podres_exporter.kube.credentials import SERVICE_ACCOUNT, in_cluster_client, kubeconfig_client
from podres_exporter.kube.labelkeys import label_keys
from podres_exporter.kube.ports import VERBS
from podres_exporter.model import Metadata
from podres_exporter.podmeta import PodDecoder, decode_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kubernetes.client.api_client import ApiClient

    from podres_exporter.clock import Clock
    from podres_exporter.config import Config
    from podres_exporter.kube.credentials import MakeClient

LIMITS = Limits(connect_seconds=5.0, list_seconds=15.0)
REVIEW_SECONDS = 5.0

_UNANSWERED = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})


class ApiAsker:
    """Asks one API server as `serve` would."""

    def __init__(self, config: Config, make_client: MakeClient, clock: Clock, limits: Limits) -> None:
        """Connect at the first question. Raises ConfigError where the credentials do not do."""
        client = make_client()
        self.account = _account(config, client)
        self._clock = clock
        seconds = min(limits.list_seconds, REVIEW_SECONDS)
        self._reviewer = AccessReviewer(client, clock, min(limits.connect_seconds, REVIEW_SECONDS), seconds)
        self._transport = ApiServerClient(make_client, config.node_name, clock, limits)
        self._decoder = PodDecoder(config.pod_labels_allowlist)

    def reviews(self) -> dict[str, AccessAnswer | ApiServerError]:
        """Return what is said of each right; the second is not asked where the first was not answered at all."""
        found: dict[str, AccessAnswer | ApiServerError] = {}
        for verb in VERBS:
            answer = found[verb] = self._review(verb)
            if isinstance(answer, ApiServerError) and answer.reason in _UNANSWERED:
                break
        return found

    def list(self) -> tuple[PodsAnswer | ApiServerError, Metadata | None]:
        """Return how a list of the node's pods went, and the pods."""
        began = self._clock.monotonic_seconds()
        try:
            body = self._transport.list()
            seconds = self._clock.monotonic_seconds() - began
            found = decode_list(body, self._decoder)
        except ApiServerError as error:
            return error, None
        unreadable = tuple(f"{item.path}: {item.problem}" for item in found.malformed)
        answer = PodsAnswer(seconds, len(body), len(found.pods), unreadable, label_keys(body))
        pods = {pod.meta.key: pod.meta for pod in found.pods}
        metadata = Metadata(pods, synced=not unreadable, is_up=True, last_success_seconds=self._clock.wall_seconds())
        return answer, metadata

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _review(self, verb: str) -> AccessAnswer | ApiServerError:
        began, wall = self._clock.monotonic_seconds(), self._clock.wall_seconds()
        try:
            review = self._reviewer.review(verb)
        except ApiServerError as error:
            return error
        seconds = self._clock.monotonic_seconds() - began
        return AccessAnswer(review.is_allowed, review.said, seconds, wall + seconds / 2, review.date_seconds)


def connect(
    config: Config,
    environment: Mapping[str, str],
    clock: Clock,
    limits: Limits = LIMITS,
    service_account: Path = SERVICE_ACCOUNT,
) -> ApiAsker | ApiServer:
    """Return whom to ask, or, without credentials, all that there is to say."""
    node, kubeconfig = config.node_name, config.metadata_kubeconfig
    if kubeconfig is None:
        make_client: MakeClient = partial(in_cluster_client, node, environment, service_account)
    else:
        make_client = partial(kubeconfig_client, node, kubeconfig, config.metadata_context)
    try:
        return ApiAsker(config, make_client, clock, limits)
    except ConfigError as error:
        return ApiServer(problem="; ".join(error.problems))


def _account(config: Config, client: ApiClient) -> Account:
    """Return who we are, without secrets: a proxy's URL may have a password in it."""
    if config.metadata_kubeconfig is None:
        source = "the service account of this pod"
    else:
        context = f", context {config.metadata_context}" if config.metadata_context else ""
        source = f"the kubeconfig {config.metadata_kubeconfig}{context}"
    proxy = client.rest_client.pool_manager.proxy
    return Account(
        source,
        str(client.configuration.host),
        is_verified=bool(client.configuration.verify_ssl),
        proxy=f"{proxy.scheme}://{proxy.netloc}" if proxy else "",
    )
