"""The simulated kubelet's pod-resources endpoint on a real Unix socket, including its failure modes."""

import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import grpc

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import Clock
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim.lifecycle import Startable
from podres_exporter.sim.podresources.answers import Answers, RpcFault
from podres_exporter.sim.podresources.dialect import (
    ALLOCATABLE,
    ALPHA_LIST,
    ALPHA_SERVICE,
    LIST,
    SERVICE,
    dialect_of,
)
from podres_exporter.sim.podresources.endpoint import Endpoint
from podres_exporter.sim.podresources.gate import Gate, kubelet_limit

DEFAULT_SETTINGS = KubeletSettings(Release(36))


class SimKubelet(Startable):
    """
    The server, with faults that can be switched while it runs. Every public method may be called from any thread.

    `calls` counts the calls that arrived, by method, rejected ones included; List of v1alpha1 is `v1alpha1/List`.
    `throttled` rejects every call. `answers` may be replaced at any time. `first_answers` holds answers that come
    before the usual ones, one entry per List call: what a List saw, the other methods see until the next List.
    """

    def __init__(
        self,
        socket_path: Path,
        answers: Answers,
        clock: Clock,
        settings: KubeletSettings = DEFAULT_SETTINGS,
    ) -> None:
        """*settings* decide which methods exist and whether calls are limited. Raises ValueError: path too long."""
        dialect = dialect_of(settings)
        self.socket_path = socket_path
        self.answers = answers
        self.first_answers: list[Answers] = []
        self.throttled = False
        self.calls: Counter[str] = Counter()
        self._methods = dialect.methods
        self._rate_limited = dialect.rate_limited
        self._clock = clock
        self._bucket = kubelet_limit(clock)
        self._endpoint = Endpoint(socket_path, self._answer)
        self._gate = Gate()
        self._switching = threading.RLock()
        self._lock = threading.Lock()
        self._overrides: dict[str, bytes | RpcFault] = {}
        self._continued: Answers | None = None

    @property
    def serving(self) -> bool:
        """Whether a server listens on the socket."""
        return self._endpoint.serving

    def start(self) -> None:
        """Serve on a new socket, renamed over whatever is at the path. Nothing happens where it serves already."""
        with self._switching:
            if not self.serving:
                self._bucket = kubelet_limit(self._clock)
                self._endpoint.start()

    def stop(self) -> None:
        """End all calls and threads and remove the socket file; may be called again."""
        self.kill()
        self.socket_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """Stop serving but leave the socket file, as a killed kubelet does: connecting is refused from now on."""
        with self._switching:
            self._endpoint.stop(self._gate.interrupt)

    def restart(self, first_answers: Iterable[Answers] = ()) -> None:
        """Kill and start; the next List calls are answered by *first_answers*, one entry each, then as usual."""
        with self._switching:
            self.kill()
            with self._lock:
                self.first_answers = list(first_answers)
                self._continued = self.first_answers[0] if self.first_answers else None
            self.start()

    def hang(self) -> None:
        """Let calls block from now on, until `resume`, the client's deadline, `kill` or `stop`."""
        self._gate.close()

    def resume(self) -> None:
        """Let the blocked calls go on."""
        self._gate.open()

    def override(self, method: str, answer: bytes | RpcFault) -> None:
        """Answer *method* (`List`, ...) with these bytes or this status, whatever the node holds."""
        self._overrides[method] = answer

    def clear_override(self, method: str) -> None:
        """Answer *method* as usual again."""
        self._overrides.pop(method, None)

    def _answer(self, path: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Return the answer to one call, or end it with a status."""
        try:
            method = self._known_method(path)
            self._admit(method)
            self._gate.wait(context)
            return self._reply(method, request)
        except RpcFault as fault:
            context.abort(fault.code, fault.details)

    def _known_method(self, path: str) -> str:
        """Return the method's name; raises RpcFault, with the texts of grpc-go's server.go, if there is none."""
        _, service, method = path.split("/")
        if service == ALPHA_SERVICE and method == LIST:
            return ALPHA_LIST
        if service not in {SERVICE, ALPHA_SERVICE}:
            raise RpcFault(grpc.StatusCode.UNIMPLEMENTED, f"unknown service {service}")
        if service == ALPHA_SERVICE or method not in self._methods:
            raise RpcFault(grpc.StatusCode.UNIMPLEMENTED, f"unknown method {method} for service {service}")
        return method

    def _admit(self, method: str) -> None:
        """Count the call, then reject it if there is no token: the limiter is an interceptor, before any handler."""
        with self._lock:
            self.calls[method] += 1
        if self.throttled or (self._rate_limited and not self._bucket.take()):
            raise RpcFault(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit")

    def _reply(self, method: str, request: bytes) -> bytes:
        override = self._overrides.get(method)
        if isinstance(override, RpcFault):
            # A new one, for a raised exception keeps the frames that it passed.
            raise RpcFault(override.code, override.details)
        if override is not None:
            return override
        answers = self._answers_for(method)
        if method == LIST:
            return answers.list()
        if method == ALPHA_LIST:
            return answers.alpha_list()
        if method == ALLOCATABLE:
            return answers.allocatable()
        asked = pb.GetPodResourcesRequest.FromString(request)
        return answers.get(asked.pod_namespace, asked.pod_name)

    def _answers_for(self, method: str) -> Answers:
        """Return one of the first answers: List takes the next one, the other methods see what the last List saw."""
        with self._lock:
            if method == LIST:
                self._continued = self.first_answers.pop(0) if self.first_answers else None
            return self._continued or self.answers
