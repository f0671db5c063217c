"""The Device Manager: real device plugins can register with it as with a kubelet."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from podres_exporter.clock import Clock
from podres_exporter.sim.devices.api import KUBELET_SOCKET
from podres_exporter.sim.devices.calls import Calls, ids_text, result_text
from podres_exporter.sim.devices.client import DIAL_TIMEOUT_SECONDS, PluginClient
from podres_exporter.sim.devices.handshake import AsynchronousHandshake, Handshake, SynchronousHandshake
from podres_exporter.sim.devices.ledger import Ledger, Stock
from podres_exporter.sim.devices.records import AllocateResult, PluginError, PluginOptions
from podres_exporter.sim.devices.registration import registration_service
from podres_exporter.sim.devices.sockets import wipe_sockets
from podres_exporter.sim.devices.watched_registration import (
    DEVICE_PLUGIN_TYPE,
    DRA_PLUGIN_TYPE,
    DevicePlugins,
    PluginHandler,
)
from podres_exporter.sim.devices.watcher import PluginWatcher
from podres_exporter.sim.lifecycle import Startable
from podres_exporter.sim.rpc.unix_server import UnixServer

_THREADS = 16


class DeviceManager(Startable):
    """
    Serves `<directory>/device-plugins/kubelet.sock`, watches `<directory>/plugins_registry` and talks to the plugins.

    `calls` has what was said. Which container holds which device is not known here. Every method may be called from any
    thread.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        synchronous: bool = True,
        watch_seconds: float | None = 1.0,
        dial_timeout_seconds: float = DIAL_TIMEOUT_SECONDS,
        dra: PluginHandler | None = None,
    ) -> None:
        """
        Start nothing yet. Raises ValueError: the directory's path is too long.

        *synchronous* is the handshake of kubelets from 1.25 on. *watch_seconds* is how often the plugin watcher looks;
        None: only when `scan` is called; *dra* takes the DRA drivers that it finds. *dial_timeout_seconds*, in real
        time, is what a plugin gets to accept.
        """
        self._plugins_directory = directory / "device-plugins"
        self._watch_seconds = watch_seconds
        self._ledger = Ledger(clock)
        self.calls = Calls()
        style = SynchronousHandshake if synchronous else AsynchronousHandshake
        self._handshake: Handshake = style(self._ledger, dial_timeout_seconds, self.calls)
        self._watcher = PluginWatcher(
            directory / "plugins_registry",
            {DEVICE_PLUGIN_TYPE: DevicePlugins(self._handshake), **({DRA_PLUGIN_TYPE: dra} if dra else {})},
            clock,
            dial_timeout_seconds=dial_timeout_seconds,
            changed=self._ledger.notify,
        )
        service = registration_service(self._handshake, self._plugins_directory)
        self._server = UnixServer(self._plugins_directory / KUBELET_SOCKET, [service], threads=_THREADS)
        self._switching = threading.RLock()

    @property
    def socket_path(self) -> Path:
        """Where plugins register."""
        return self._server.path

    @property
    def serving(self) -> bool:
        """Whether plugins can register."""
        return self._server.serving

    def start(self) -> None:
        """
        Remove every socket beside kubelet.sock, then bind it. Nothing happens where it is served already.

        Resources that had a plugin before are there with no device, until the plugin registers again.

        Source: Start of manager.go and of plugin/v1beta1/server.go.
        """
        with self._switching:
            if self.serving:
                return
            self._plugins_directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._ledger.restore()
            wipe_sockets(self._plugins_directory)
            self._handshake.begin()
            self._server.start()
            self._watcher.begin(self._watch_seconds)

    def stop(self) -> None:
        """
        Remove kubelet.sock, disconnect every plugin and end all threads; may be called again.

        The socket goes first: a plugin registers again as soon as its stream ends, and what dies with a process at one
        moment must not be there for it to find.
        """
        with self._switching:
            self._server.hide()
            self._watcher.end()
            self._handshake.end()
            self._server.stop()
            self._watcher.join()
            self._handshake.join()

    def restart(self) -> None:
        """Stop and start, as a kubelet that was updated: plugins see the end of their stream and of their socket."""
        with self._switching:
            self.stop()
            self.start()

    def scan(self) -> None:
        """Let the plugin watcher look now; what it finds is registered in other threads (`wait_until`)."""
        self._watcher.scan()

    def capacity(self) -> Stock:
        """Return the devices that node capacity counts, sick ones too; each *healthy* if it can be handed out."""
        return self._ledger.capacity()

    def removed(self) -> frozenset[str]:
        """Return the resources removed from capacity, which node status keeps with amount 0."""
        return self._ledger.removed()

    def healthy(self) -> Stock:
        """Return the devices that can be handed out: node allocatable, and what GetAllocatableResources lists."""
        return self._ledger.healthy()

    def lists(self) -> int:
        """Return how many lists plugins have sent."""
        return self._ledger.lists()

    def known(self) -> Stock:
        """Return the devices of each plugin's last list as it stated them: what pod status and topology go by."""
        return self._ledger.known()

    def options(self, resource: str) -> PluginOptions | None:
        """Return what the resource's plugin asked for; None if it asked for nothing or there is no plugin."""
        plugin = self._ledger.plugin(resource)
        return plugin.options if plugin else None

    def preferred(
        self, resource: str, available: Sequence[str], must_include: Sequence[str], size: int
    ) -> tuple[str, ...]:
        """
        Return the ids that the plugin would take, which may be anything; () if it does not offer to say.

        Raises PluginError: no plugin, or the call failed. Source: callGetPreferredAllocationIfAvailable of manager.go.
        """
        options = self._options_of_endpoint(resource)
        if options is None or not options.get_preferred_allocation_available:
            return ()
        asked = f"available={ids_text(available)} must={ids_text(must_include)} size={size}"
        with self._failure_noted(resource, "GetPreferredAllocation", asked):
            preferred = self._running(resource).preferred(available, must_include, size)
        self.calls.note(resource, "GetPreferredAllocation", asked, ids_text(preferred))
        return preferred

    def allocate(self, resource: str, ids: Sequence[str]) -> AllocateResult:
        """Return what a container needs to use these devices; raises PluginError, which rejects the pod."""
        if self._ledger.plugin(resource) is None:
            raise PluginError(f"unknown Device Plugin {resource}")
        with self._failure_noted(resource, "Allocate", ids_text(ids)):
            result = self._running(resource).allocate(ids)
        self.calls.note(resource, "Allocate", ids_text(ids), result_text(result))
        return result

    def prestart(self, resource: str, ids: Sequence[str]) -> None:
        """
        Tell the plugin that a container with these devices starts, if it asked for that.

        Raises PluginError: no plugin, or the call failed. Source: callPreStartContainerIfNeeded of manager.go.
        """
        options = self._options_of_endpoint(resource)
        if options is not None and options.pre_start_required:
            with self._failure_noted(resource, "PreStartContainer", ids_text(ids)):
                self._running(resource).prestart(ids)
            self.calls.note(resource, "PreStartContainer", ids_text(ids), "ok")

    def wait_until(self, predicate: Callable[[], bool], timeout_seconds: float) -> bool:
        """Return True once *predicate* holds, asked after every change here; False after so long in real time."""
        return self._ledger.wait_until(predicate, timeout_seconds)

    @contextmanager
    def _failure_noted(self, resource: str, method: str, asked: str) -> Iterator[None]:
        try:
            yield
        except PluginError as error:
            self.calls.note(resource, method, asked, f"error: {error}")
            raise

    def _options_of_endpoint(self, resource: str) -> PluginOptions | None:
        plugin = self._ledger.plugin(resource)
        if plugin is None:
            raise PluginError(f"endpoint not found in cache for a registered resource: {resource}")
        return plugin.options

    def _running(self, resource: str) -> PluginClient:
        """Return the plugin's connection; raises PluginError if the plugin has stopped (isStopped of endpoint.go)."""
        plugin = self._ledger.plugin(resource)
        if plugin is None or plugin.client is None or plugin.stopped_at_seconds is not None:
            # The kubelet prints the Go structure where the name stands here.
            raise PluginError(f"endpoint {resource} has been stopped")
        return plugin.client
