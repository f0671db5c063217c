"""The exporter's own counters and process metrics, in a registry of their own, and that registry as text."""

from collections.abc import Collection, Mapping, Sequence

from prometheus_client.metrics import Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from podres_exporter.errors import Reason
from podres_exporter.exposition.lines import identity
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families import own
from podres_exporter.model import Malformed

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetadataMetrics:
    """Counters of pod metadata requests; thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the families."""
        requests, errors, restarts, events, received, malformed = (
            Counter(family.name, family.help, family.labels, registry=registry) for family in own.METADATA
        )
        self._requests, self._errors, self._restarts = requests, errors, restarts
        self._events, self._received, self._malformed = events, received, malformed

    def request(self, verb: str) -> None:
        """Count one request."""
        self._requests.labels(verb).inc()

    def error(self, verb: str, reason: Reason) -> None:
        """Count one request that failed, or one watch that broke."""
        self._errors.labels(verb, reason.value).inc()

    def restart(self, cause: str) -> None:
        """Count one watch that has to be reopened."""
        self._restarts.labels(cause).inc()

    def event(self, kind: str) -> None:
        """Count one event of the watch."""
        self._events.labels(kind).inc()

    def received(self, size: int) -> None:
        """Count received bytes."""
        self._received.inc(size)

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Count items of one answer that were unusable."""
        self._malformed.inc(len(items))


class DraMetrics:
    """Counters of requests for ResourceSlices and ResourceClaims; thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the families."""
        self._requests, self._errors, self._malformed = (
            Counter(family.name, family.help, family.labels, registry=registry) for family in own.DRA
        )

    def request(self, verb: str) -> None:
        """Count one request."""
        self._requests.labels(verb).inc()

    def error(self, verb: str, reason: Reason) -> None:
        """Count one request that failed, or one watch that broke."""
        self._errors.labels(verb, reason.value).inc()

    def restart(self, cause: str) -> None:
        """Ignore it: the requests are counted."""

    def event(self, kind: str) -> None:
        """Ignore it: slices change only with the hardware."""

    def received(self, size: int) -> None:
        """Ignore it: the requests are counted."""

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Count items of one answer that were unusable."""
        self._malformed.inc(len(items))


class OwnMetrics:
    """Everything the exporter counts about itself; thread-safe."""

    def __init__(self, collectors: Collection[str], versions: Mapping[str, str], *, web_config: bool = False) -> None:
        """
        Register the families of the collectors `exporter` and `process` if they are enabled.

        *versions* are the label values of the build info; *web_config*: a web config file is in use. Disables
        `_created` series for the whole process, because they are of no use here and prometheus_client only has a global
        switch.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client does not annotate it
        self._registry = CollectorRegistry(auto_describe=False)
        registry = self._registry if "exporter" in collectors else CollectorRegistry(auto_describe=False)
        self._rpcs = Counter(own.RPCS.name, own.RPCS.help, own.RPCS.labels, registry=registry)
        self._errors = Counter(own.RPC_ERRORS.name, own.RPC_ERRORS.help, own.RPC_ERRORS.labels, registry=registry)
        duration = own.RPC_DURATION
        self._duration = Histogram(duration.name, duration.help, duration.labels, registry=registry, buckets=_BUCKETS)
        self._malformed = Counter(own.MALFORMED.name, own.MALFORMED.help, own.MALFORMED.labels, registry=registry)
        self._restarts = Counter(own.RESTARTS.name, own.RESTARTS.help, registry=registry)
        self._lists = Counter(own.LISTS.name, own.LISTS.help, own.LISTS.labels, registry=registry)
        delays, differences = own.LIST_DELAYS, own.RESYNC_DIFFERENCES
        self._list_delays = Counter(delays.name, delays.help, delays.labels, registry=registry)
        self._differences = Counter(differences.name, differences.help, registry=registry)
        self._loop_errors = Counter(own.LOOP_ERRORS.name, own.LOOP_ERRORS.help, registry=registry)
        self._metadata_registry = registry
        build = Info(own.BUILD_INFO.name.removesuffix("_info"), own.BUILD_INFO.help, registry=registry)
        build.info(dict(versions))
        configured = registry if web_config else None
        successful, timestamp = own.WEB_CONFIG_SUCCESSFUL, own.WEB_CONFIG_TIMESTAMP
        self._web_config_successful = Gauge(successful.name, successful.help, registry=configured)
        self._web_config_timestamp = Gauge(timestamp.name, timestamp.help, registry=configured)
        if "process" in collectors:
            ProcessCollector(registry=self._registry)

    def metadata(self) -> MetadataMetrics:
        """
        Return the metadata counters; registered on the first and only call, so that they are absent without metadata.
        """
        return MetadataMetrics(self._metadata_registry)

    def dra(self) -> DraMetrics:
        """Return the DRA counters; registered on the first and only call, so that they are absent without DRA."""
        return DraMetrics(self._metadata_registry)

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        """Count one call to the kubelet; *reason* is None if it gave a usable answer."""
        self._rpcs.labels(rpc).inc()
        self._duration.labels(rpc).observe(seconds)
        if reason is not None:
            self._errors.labels(rpc, reason.value).inc()

    def malformed(self, rpc: str, items: int) -> None:
        """Count items of one answer that were unusable."""
        self._malformed.labels(rpc).inc(items)

    def restarted(self) -> None:
        """Count one restart of the kubelet."""
        self._restarts.inc()

    def listed(self, reason: str) -> None:
        """Count one List."""
        self._lists.labels(reason).inc()

    def list_delayed(self, outcome: str) -> None:
        """Count one List that was delayed during a pod admission."""
        self._list_delays.labels(outcome).inc()

    def resync_differed(self) -> None:
        """Count one pod that the kubelet reported differently from what was shown."""
        self._differences.inc()

    def loop_error(self) -> None:
        """Count one poll that ended in an unexpected error."""
        self._loop_errors.inc()

    def web_config_loaded(self, at_seconds: float) -> None:
        """Note that the web config file is valid, at this wall time in seconds."""
        self._web_config_successful.set(1)
        self._web_config_timestamp.set(at_seconds)

    def web_config_rejected(self) -> None:
        """Note that the web config file has changed and is invalid."""
        self._web_config_successful.set(0)

    def text(self, text_format: Format) -> bytes:
        """Return the registry as text, without the OpenMetrics end marker."""
        return registry_text(self._registry, text_format)


_NAMED = {"counter": "_total", "info": "_info"}
"""Suffixes that the text format adds to a family's name compared with OpenMetrics, by type."""


def registry_text(registry: CollectorRegistry, text_format: Format) -> bytes:
    """
    Return the registry as text, without the OpenMetrics end marker.

    prometheus_client's own text writer is in a module that imports HTTP servers and clients, which cost 4 MiB.
    """
    if text_format is Format.OPENMETRICS:
        openmetrics: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # not annotated
        return openmetrics.removesuffix(b"# EOF\n")
    texts = []
    for family in registry.collect():
        name = family.name + _NAMED.get(family.type, "")
        text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
        kind = "gauge" if family.type == "info" else family.type
        texts.append(f"# HELP {name} {text}\n# TYPE {name} {kind}\n")
        texts += [_line(sample) for sample in family.samples]
    return "".join(texts).encode()


def _line(sample: Sample) -> str:
    """Return one sample's line."""
    labels = identity(**dict(sorted(sample.labels.items())))
    value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # not annotated
    return f"{sample.name}{{{labels}}} {value}\n" if labels else f"{sample.name} {value}\n"
