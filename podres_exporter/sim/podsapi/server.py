"""The Pods API endpoint on its own socket: WatchPods, ListPods and GetPod, including failure modes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc

from podres_exporter._proto import pods_v1alpha1_pb2 as pb
from podres_exporter.sim.podsapi.broadcast import Broadcast, StreamEnd
from podres_exporter.sim.podsapi.encode import pod_bytes
from podres_exporter.sim.rpc.unix_server import Handler, Services, UnixServer

SERVICE, WATCH, LIST, GET = "v1alpha1.Pods", "WatchPods", "ListPods", "GetPod"
SOCKET = "pods-api.sock"

GATE_OFF = StreamEnd(grpc.StatusCode.FAILED_PRECONDITION, "PodsAPI feature gate is disabled")
NOT_READY = StreamEnd(grpc.StatusCode.FAILED_PRECONDITION, "pod sources are not ready")
CUT = StreamEnd(grpc.StatusCode.UNAVAILABLE, "transport is closing")

_THREADS = 32

Pods = Mapping[str, Mapping[str, Any]]
"""The kubelet's pods by their UIDs, as API objects."""


class SimPodsApi:
    """
    Serves what *pods* returns; `follow` sends the difference to the previous state to watching clients.

    `refusal` ends every call, `is_mute` keeps every stream from saying anything, `broadcast.is_silent` loses events,
    and `damaged` has bytes that are sent in place of the pods of these UIDs. `calls` counts calls by method.

    Source: kubelet apis/pods/server.go; 1.37 serves with the gate off, and refuses until its sources are ready.
    """

    def __init__(self, path: Path, pods: Callable[[], Pods]) -> None:
        """Raises ValueError where the path is too long."""
        self.calls: Counter[str] = Counter()
        self.broadcast = Broadcast()
        self.refusal: StreamEnd | None = None
        self.is_mute = False
        self.damaged: dict[str, bytes] = {}
        self.path = path
        self._pods = pods
        self._told: dict[str, tuple[Any, ...]] = {}
        self._lock = threading.Lock()
        self._server = UnixServer(path, [Services({SERVICE: self._handlers()})], threads=_THREADS)

    @property
    def serving(self) -> bool:
        """Whether a server is running."""
        return self._server.serving

    def start(self) -> None:
        """Serve on a new socket."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._server.start()

    def stop(self) -> None:
        """End all streams and remove the socket; may be called again."""
        self.broadcast.end(CUT)
        self._server.stop()

    def follow(self) -> None:
        """
        Tell of what has changed since the last time: pods that have come, and those whose status is another.

        That nothing of a pod runs any more is told as DELETED, whether or not it still exists. A change of labels alone
        is not told.

        Source: status_manager.go updateStatusInternal, TerminatePod.
        """
        with self._lock:
            pods = self._pods()
            for uid, pod in pods.items():
                state = _state(pod)
                before = self._told.get(uid)
                if state == before:
                    continue
                kind = pb.ADDED if before is None else pb.MODIFIED
                self._told[uid] = state
                self.broadcast.send(_event(kind, self._bytes(uid, pod)))
                if _has_ended(pod):
                    self.broadcast.send(_event(pb.DELETED, pod_bytes(_stub(uid, pod["metadata"]))))
            for uid in self._told.keys() - pods.keys():
                state = self._told.pop(uid)
                if not state[-1]:
                    self.broadcast.send(_event(pb.DELETED, pod_bytes(_stub(uid, state[0]))))

    def forget(self) -> None:
        """Drop all state and clients, as a kubelet that is killed."""
        with self._lock:
            self._told.clear()

    def _handlers(self) -> Mapping[str, Handler]:
        return {
            WATCH: grpc.unary_stream_rpc_method_handler(self._watch),
            LIST: grpc.unary_unary_rpc_method_handler(self._list),
            GET: grpc.unary_unary_rpc_method_handler(self._get),
        }

    def _watch(self, _request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        registration = self.broadcast.register()
        if not context.add_callback(registration.close):
            registration.close()
        try:
            self._begin(WATCH, context)
            if not self.is_mute:
                for uid, pod in sorted(self._pods().items()):
                    yield _event(pb.ADDED, self._bytes(uid, pod))
                yield _event(pb.INITIAL_SYNC_COMPLETE)
            yield from registration.events()
        except StreamEnd as end:
            context.abort(end.code, end.details)
        finally:
            registration.close()

    def _list(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        self._begin(LIST, context)
        pods = [self._bytes(uid, pod) for uid, pod in sorted(self._pods().items())]
        return pb.ListPodsResponse(pods=pods).SerializeToString()

    def _get(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self._begin(GET, context)
        uid = pb.GetPodRequest.FromString(request).podUID
        pod = self._pods().get(uid)
        if pod is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"pod with UID {uid} not found")
        return pb.GetPodResponse(pod=self._bytes(uid, pod)).SerializeToString()

    def _begin(self, method: str, context: grpc.ServicerContext) -> None:
        with self._lock:
            self.calls[method] += 1
        if self.refusal is not None:
            context.abort(self.refusal.code, self.refusal.details)

    def _bytes(self, uid: str, pod: Mapping[str, Any]) -> bytes:
        return self.damaged.get(uid) or pod_bytes(pod)


def _event(kind: pb.EventType, pod: bytes = b"") -> bytes:
    return pb.WatchPodsEvent(type=kind, pod=pod).SerializeToString()


def _stub(uid: str, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"metadata": {"namespace": metadata["namespace"], "name": metadata["name"], "uid": uid}}


def _state(pod: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return of a pod what an event is made of: who it is, its status, that it is being deleted, that it has ended."""
    metadata = pod["metadata"]
    return {"namespace": metadata["namespace"], "name": metadata["name"]}, pod.get("status"), _has_ended(pod)


def _has_ended(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
