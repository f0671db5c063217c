"""The sources of the answers: a scenario's state, recorded bytes, or a live node."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import grpc

from podres_exporter.model import Pod
from podres_exporter.scenario import KubeletSettings, NodeState
from podres_exporter.sim.podresources.dialect import dialect_of
from podres_exporter.sim.podresources.messages import (
    allocatable_response,
    alpha_list_response,
    get_response,
    list_response,
)


class RpcFault(Exception):  # noqa: N818 - a status that a test or an answer asks for, not an error of this program
    """Ends a call with exactly this status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        """Keep the status code and its text."""
        super().__init__(code, details)
        self.code = code
        self.details = details


class Answers(Protocol):
    """The answers as serialised messages. Raising RpcFault ends the call with that status."""

    def list(self) -> bytes:
        """Return a ListPodResourcesResponse."""
        ...

    def allocatable(self) -> bytes:
        """Return an AllocatableResourcesResponse."""
        ...

    def get(self, namespace: str, name: str) -> bytes:
        """Return a GetPodResourcesResponse."""
        ...

    def alpha_list(self) -> bytes:
        """Return a ListPodResourcesResponse of v1alpha1."""
        ...


def not_found(namespace: str, name: str) -> RpcFault:
    """Return the status of Get for a pod that the kubelet does not know (server_v1.go; bare Go errors are UNKNOWN)."""
    return RpcFault(grpc.StatusCode.UNKNOWN, f"pod {name} in namespace {namespace} not found")


@dataclass(frozen=True, slots=True)
class FixedAnswers:
    """Serialised messages that are always the same, such as recorded ones; *pods* is by (namespace, name)."""

    listed: bytes = b""
    allocatable_resources: bytes = b""
    pods: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    def list(self) -> bytes:
        """Return the same list."""
        return self.listed

    def allocatable(self) -> bytes:
        """Return the same allocatable resources."""
        return self.allocatable_resources

    def get(self, namespace: str, name: str) -> bytes:
        """Return the pod's message; raises RpcFault `not found`."""
        if (namespace, name) not in self.pods:
            raise not_found(namespace, name)
        return self.pods[namespace, name]

    def alpha_list(self) -> bytes:
        """Return the same list, which v1alpha1 can read: its messages have the first fields of v1."""
        return self.listed


class StateAnswers:
    """The answers of a kubelet of the given settings about whatever it holds at the moment of the call."""

    def __init__(
        self,
        settings: KubeletSettings,
        state: Callable[[], NodeState],
        random: Random,
        listing: Callable[[], None] = lambda: None,
        alpha_pods: Callable[[], Iterable[Pod]] | None = None,
    ) -> None:
        """
        *state* is asked on each call; *random* draws the order that the kubelet leaves to chance.

        *listing* is called by each List, and by no other call, before the state is asked: List writes. *alpha_pods*
        are the pods of v1alpha1, where they are not those of the state.
        """
        self._listing = listing
        self._dialect = dialect_of(settings)
        self._state = state
        self._random = random
        self._alpha_pods = alpha_pods

    def list(self) -> bytes:
        """Return every pod."""
        self._listing()
        return list_response(self._state(), self._dialect, self._random).SerializeToString()

    def allocatable(self) -> bytes:
        """Return what may be handed out; raises RpcFault where the gate KubeletPodResourcesGetAllocatable is off."""
        if not self._dialect.allocatable_enabled:
            raise RpcFault(grpc.StatusCode.UNKNOWN, self._dialect.allocatable_disabled_text)
        return allocatable_response(self._state(), self._dialect, self._random).SerializeToString()

    def get(self, namespace: str, name: str) -> bytes:
        """Return one pod; raises RpcFault for an unknown one, and where the gate KubeletPodResourcesGet is off."""
        if not self._dialect.get_enabled:
            raise RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled")
        state = self._state()
        pod = state.pod(namespace, name)
        if pod is None:
            raise not_found(namespace, name)
        return get_response(pod, state, self._dialect, self._random).SerializeToString()

    def alpha_list(self) -> bytes:
        """Return every pod as v1alpha1 has it."""
        self._listing()
        pods = self._state().pods if self._alpha_pods is None else self._alpha_pods()
        return alpha_list_response(pods, self._dialect, self._random).SerializeToString()
