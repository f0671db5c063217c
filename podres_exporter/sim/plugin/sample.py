"""The sample device plugin: serves its devices, and registers again after each kubelet restart."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.sim.devices.api import KUBELET_SOCKET, REGISTRATION, VERSION
from podres_exporter.sim.devices.records import DeviceState, PluginOptions
from podres_exporter.sim.devices.sockets import SocketId, socket_id
from podres_exporter.sim.lifecycle import Startable
from podres_exporter.sim.plugin.device_file import FileId, file_id, read_devices
from podres_exporter.sim.plugin.service import PluginService, options_message
from podres_exporter.sim.rpc.connection import Connection, WireError
from podres_exporter.sim.rpc.unix_server import UnixServer

log = logging.getLogger(__name__)

PREFERS = PluginOptions(get_preferred_allocation_available=True)

_REGISTER_TIMEOUT_SECONDS = 15.0
"""More than the ten seconds for which a kubelet from 1.25 on dials before it answers."""

_THREADS = 8
_JOIN_SECONDS = 5.0


class SamplePlugin(Startable):
    """
    Serves devices that do not exist, and registers them with the kubelet as often as it takes.

    It looks around again and again: has its file changed, is its socket still there, is kubelet.sock the one that it
    registered with, does the kubelet still listen? Each of these ends with a kubelet restart, in some order.

    `start` looks in a thread of its own until `stop`; `run` looks in the caller's; `look` looks once.
    """

    def __init__(
        self,
        resource: str,
        devices: Path | Mapping[str, DeviceState],
        directory: Path,
        clock: Clock,
        *,
        options: PluginOptions = PREFERS,
        poll_seconds: float = 1.0,
        allocate_seconds: float = 0.0,
    ) -> None:
        """
        Serve nothing yet.

        *devices* is the file that names them, read again when it changes, or the devices themselves. *directory* is the
        one with kubelet.sock in it, such as /var/lib/kubelet/device-plugins. Raises ConfigError: the file is wrong;
        ValueError: the directory's path is too long. *allocate_seconds*: how long it takes to get devices ready.
        """
        self.resource = resource
        self._file = devices if isinstance(devices, Path) else None
        self._file_id: FileId | None = None
        self._kubelet_path = directory / KUBELET_SOCKET
        self._clock = clock
        self._options = options
        self._poll_seconds = poll_seconds
        self._service = PluginService(resource, options, self._get_ready)
        self.allocate_seconds = allocate_seconds
        name = "".join(character if character.isalnum() else "-" for character in resource)
        self._server = UnixServer(directory / f"podres-{name}.sock", [self._service.handlers()], threads=_THREADS)
        self._own_id: SocketId | None = None
        self._registered_with: SocketId | None = None
        self._problem = ""
        self._stop = threading.Event()
        self._turn = threading.RLock()
        self._calling_lock = threading.Lock()
        self._calling: Connection | None = None
        self._thread: threading.Thread | None = None
        if isinstance(devices, Path):
            self._file_id = file_id(devices)
            self._service.publish(read_devices(devices))
        else:
            self._service.publish(devices)

    @property
    def socket_path(self) -> Path:
        """Where the plugin serves."""
        return self._server.path

    @property
    def registered(self) -> bool:
        """Whether the kubelet behind the present kubelet.sock has accepted it."""
        return self._registered_with is not None

    @property
    def problem(self) -> str:
        """The kubelet's error if it is not registered; empty if it is, or has not tried."""
        return self._problem

    @property
    def calls(self) -> Counter[str]:
        """How often the kubelet called, by method."""
        return Counter(self._service.calls)

    def publish(self, devices: Mapping[str, DeviceState]) -> None:
        """Report these devices from now on, until the file, if there is one, changes."""
        self._service.publish(devices)

    def _get_ready(self) -> None:
        """Take the time that devices need before a container may use them; `stop` cuts it short."""
        self._clock.wait(self._stop, self.allocate_seconds)

    def start(self) -> None:
        """Look around from now on, in a thread; only once."""
        self._thread = threading.Thread(target=self.run, name=f"plugin-{self.resource}", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Look around until `stop` is called, from another thread or a signal handler."""
        self.look()
        while not self._clock.wait(self._stop, self._poll_seconds):
            self.look()

    def stop(self) -> None:
        """Stop serving, end all threads and remove the socket, so that the kubelet drops the plugin. Final."""
        self._stop.set()
        with self._calling_lock:
            if self._calling is not None:
                self._calling.close()
        with self._turn:
            self._server.stop()
            self._registered_with = None
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def look(self) -> None:
        """Read the file if it changed, serve if the socket is not ours, register if the kubelet does not know us."""
        with self._turn:
            if self._stop.is_set():
                return
            deserted, kubelet_id = self._service.deserted, socket_id(self._kubelet_path)
            self._reload()
            # After the look at kubelet.sock, which comes up after the wipe: a kubelet that dials a socket that it has
            # just wiped keeps us waiting for ten seconds.
            self._serve()
            if deserted or kubelet_id != self._registered_with:
                self._registered_with = None
            if kubelet_id is not None and not self.registered:
                self._register(kubelet_id)

    def _reload(self) -> None:
        if self._file is None or file_id(self._file) == self._file_id:
            return
        self._file_id = file_id(self._file)
        try:
            self._service.publish(read_devices(self._file))
        except ConfigError as error:
            # A typing error in the file does not remove devices: keep the last valid list.
            log.warning("sim.plugin.bad_file", extra={"file": str(self._file), "error": str(error)})

    def _serve(self) -> None:
        """Serve on a socket of our own: before registering, for the kubelet dials at once, and after every wipe."""
        if self._own_id is not None and socket_id(self.socket_path) == self._own_id:
            return
        self._server.stop()
        self._server.start()
        self._own_id = socket_id(self.socket_path)
        self._registered_with = None

    def _register(self, kubelet_id: SocketId) -> None:
        """Tell the kubelet of us; where it refuses or does not answer, the next look tries again."""
        request = pb.RegisterRequest(
            version=VERSION,
            endpoint=self.socket_path.name,
            resource_name=self.resource,
            options=options_message(self._options),
        )
        with self._calling_lock:
            if self._stop.is_set():
                return
            self._calling = Connection(self._kubelet_path)
        self._service.expect()
        problem = ""
        try:
            self._calling.call(f"/{REGISTRATION}/Register", request, pb.Empty, _REGISTER_TIMEOUT_SECONDS)
            self._registered_with = kubelet_id
        except WireError as error:
            problem = str(error)
        finally:
            self._calling.close()
        if problem != self._problem or not problem:
            if problem:
                log.warning("sim.plugin.not_registered", extra={"resource": self.resource, "error": problem})
            else:
                log.info("sim.plugin.registered", extra={"resource": self.resource})
        self._problem = problem
