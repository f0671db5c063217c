"""
Every option of `serve` as data: flag, environment variable, default, help. Help and flags.md are generated from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.config import values
from podres_exporter.listen import ListenAddress, parse_listen_address

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Config:
    """
    The validated configuration. Times are in seconds.

    *collectors* are the enabled ones. *node_is_guessed*: no node name was configured, so it is the host name. *own_pod*
    is the namespace and name of the exporter's own pod. The other fields are named and documented as their flags.
    """

    kubelet_socket: Path
    poll_interval_seconds: float
    kubelet_timeout_seconds: float
    kubelet_max_message_bytes: int
    snapshot_max_age_seconds: float
    snapshot_hold_down_seconds: float
    resync_interval_seconds: float
    node_name: str
    node_is_guessed: bool
    own_pod: tuple[str, str] | None
    metadata_source: str
    metadata_podsapi_socket: Path
    metadata_plugins_root: Path
    metadata_kubeconfig: str | None
    metadata_context: str | None
    pod_labels_allowlist: LabelAllowlist
    dra_attribute_allowlist: frozenset[str]
    topology_sysfs: Path
    cgroup_root: Path
    collectors: frozenset[str]
    node_label: bool
    counts_only: frozenset[str]
    listen_addresses: tuple[ListenAddress, ...]
    telemetry_path: str
    max_requests: int
    web_config: Path | None
    log_level: str
    log_format: str


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """
    An option that takes a value. *default* is text as a user would write it; if empty, *otherwise* says what happens.

    *repeatable* options may be given several times; in the environment their values are separated by commas.
    """

    flag: str
    placeholder: str
    default: str
    help: str
    parse: Callable[[str], T]
    repeatable: bool = False
    otherwise: str = ""

    @property
    def environment(self) -> str:
        """The environment variable of the option: `--kubelet.socket` is `PODRES_KUBELET_SOCKET`."""
        return environment_name(self.flag)


def environment_name(flag: str) -> str:
    """Return the environment variable of a flag."""
    return "PODRES_" + flag.removeprefix("--").replace(".", "_").replace("-", "_").upper()


def option_name(flag: str) -> str:
    """Return the attribute in which argparse stores a flag's value."""
    return flag.removeprefix("--").replace(".", "_").replace("-", "_")


KUBELET_SOCKET = Option(
    flag="--kubelet.socket",
    placeholder="PATH",
    default="/var/lib/kubelet/pod-resources/kubelet.sock",
    help="path of the kubelet's pod-resources socket; in a pod, mount its directory, never the socket itself",
    parse=values.socket_path,
)
POLL_INTERVAL = Option(
    flag="--kubelet.poll-interval",
    placeholder="DURATION",
    default="10s",
    help=(
        "interval between polls of the kubelet; if pod changes are known from metadata, a poll only checks that the "
        "kubelet answers. A scrape never calls the kubelet"
    ),
    parse=values.at_least(1.0, "1s"),
)
RESYNC_INTERVAL = Option(
    flag="--kubelet.resync-interval",
    placeholder="DURATION",
    default="5m",
    help=(
        "interval in which every pod is re-read, changed or not: one by one with Get, or in a single List if the "
        "kubelet does not serve Get"
    ),
    parse=values.at_least(10.0, "10s"),
)
TIMEOUT = Option(
    flag="--kubelet.timeout",
    placeholder="DURATION",
    default="10s",
    help="deadline of each call to the kubelet",
    parse=values.at_least(0.1, "100ms"),
)
MAX_MESSAGE = Option(
    flag="--kubelet.max-message-size",
    placeholder="SIZE",
    default="64Mi",
    help="largest answer accepted from the kubelet; if List exceeds it, known pods are read one by one where possible",
    parse=values.message_size,
)
MAX_AGE = Option(
    flag="--snapshot.max-age",
    placeholder="DURATION",
    default="2m",
    help="how long the last good answer is shown, marked as stale, before its metrics disappear",
    parse=values.duration_seconds,
)
HOLD_DOWN = Option(
    flag="--snapshot.hold-down",
    placeholder="DURATION",
    default="1m",
    help="after a kubelet restart, how long a pod that is no longer listed is still shown as holding its devices, "
    "counted from when the kubelet lists this exporter's pod again; 0s: not at all",
    parse=values.duration_seconds,
)
NODE_NAME = Option(
    flag="--node-name",
    placeholder="NAME",
    default="",
    help="name of this node, as the API server knows it",
    parse=values.node_name,
    otherwise="$NODE_NAME, else the host name if --metadata.source is not apiserver",
)
METADATA_SOURCE = Option(
    flag="--metadata.source",
    placeholder="SOURCE",
    default="apiserver",
    help=(
        "where pod metadata comes from: apiserver (needs permission to list and watch pods), podsapi (the kubelet's "
        "Pods API: needs its feature gate PodsAPI, on by default from 1.37, and neither token nor API server) or none"
    ),
    parse=values.one_of("apiserver", "podsapi", "none"),
)
PODSAPI_SOCKET = Option(
    flag="--metadata.podsapi-socket",
    placeholder="PATH",
    default="/var/lib/kubelet/pods-api/pods-api.sock",
    help="path of the kubelet's Pods API socket; in a pod, mount its directory, never the socket itself",
    parse=values.socket_path,
)
PLUGINS_ROOT = Option(
    flag="--metadata.plugins-root",
    placeholder="DIRECTORY",
    default="/var/lib/kubelet/plugins",
    help=(
        "directory in which DRA drivers keep their data; with --metadata.source=podsapi, names of claims made from "
        "templates are read from drivers' files there (KEP-5304), and are inferred where there are none"
    ),
    parse=values.folder,
)
KUBECONFIG = Option(
    flag="--metadata.kubeconfig",
    placeholder="PATH",
    default="",
    help="kubeconfig for the API server",
    parse=values.plain,
    otherwise="the service account of the pod",
)
CONTEXT = Option(
    flag="--metadata.context",
    placeholder="NAME",
    default="",
    help="context of the kubeconfig",
    parse=values.plain,
    otherwise="its current context",
)
POD_LABELS = Option(
    flag="--metadata.pod-labels-allowlist",
    placeholder="LIST",
    default="",
    help=(
        "pod labels to export in podres_pod_labels, in kube-state-metrics syntax: pods=[app,example.com/*]; many "
        "metric stores accept at most 30 labels per series, five of which are already used"
    ),
    parse=values.label_allowlist,
    otherwise="none",
)
DRA_ATTRIBUTES = Option(
    flag="--dra.attribute-allowlist",
    placeholder="NAME",
    default="",
    help=(
        "attribute of DRA devices to export in podres_dra_device_attribute_info, such as "
        "gpu.example.com/driverVersion; a name without a domain is any driver's own; one series for each device and "
        "attribute; may be repeated"
    ),
    parse=values.attribute_name,
    repeatable=True,
    otherwise="none",
)
SYSFS = Option(
    flag="--topology.sysfs",
    placeholder="DIRECTORY",
    default="/sys",
    help="path of sysfs, used to read the NUMA topology",
    parse=values.folder,
)
CGROUP_ROOT = Option(
    flag="--cgroup.root",
    placeholder="DIRECTORY",
    default="/sys/fs/cgroup",
    help="path of the node's cgroup file system, v1 or v2, read only by the collector cpuset-drift",
    parse=values.folder,
)
COUNTS_ONLY = Option(
    flag="--metrics.counts-only",
    placeholder="RESOURCE",
    default="",
    help=(
        "extended resource to export as counts only, without one series per device (podres_container_device_info and "
        "_health); useful for plugins that advertise each MiB as a device; may be repeated"
    ),
    parse=values.resource_name,
    repeatable=True,
    otherwise="none",
)
LISTEN_ADDRESS = Option(
    flag="--web.listen-address",
    placeholder="HOST:PORT",
    default=":10190",
    help="address to listen on; all interfaces if the host is omitted; may be repeated",
    parse=parse_listen_address,
    repeatable=True,
)
TELEMETRY_PATH = Option(
    flag="--web.telemetry-path",
    placeholder="PATH",
    default="/metrics",
    help="HTTP path of the metrics",
    parse=values.telemetry_path,
)
MAX_REQUESTS = Option(
    flag="--web.max-requests",
    placeholder="N",
    default="16",
    help=(
        "maximum number of concurrent scrapes; another one waits up to a second, then gets 429. Pages and JSON "
        "documents have their own limits"
    ),
    parse=values.count,
)
WEB_CONFIG = Option(
    flag="--web.config.file",
    placeholder="PATH",
    default="",
    help=(
        "file with TLS, basic auth, headers and rate limit, in the web config format of Prometheus exporters; "
        "reloaded when it or a file named in it changes"
    ),
    parse=values.file,
    otherwise="plain HTTP without authentication",
)
LOG_LEVEL = Option(
    flag="--log.level",
    placeholder="LEVEL",
    default="info",
    help="debug, info, warning or error",
    parse=values.one_of("debug", "info", "warning", "error"),
)
LOG_FORMAT = Option(
    flag="--log.format",
    placeholder="FORMAT",
    default="logfmt",
    help="logfmt or json, on standard error",
    parse=values.one_of("logfmt", "json"),
)
OPTIONS: tuple[Option[Any], ...] = (
    KUBELET_SOCKET,
    POLL_INTERVAL,
    RESYNC_INTERVAL,
    TIMEOUT,
    MAX_MESSAGE,
    MAX_AGE,
    HOLD_DOWN,
    NODE_NAME,
    METADATA_SOURCE,
    PODSAPI_SOCKET,
    PLUGINS_ROOT,
    KUBECONFIG,
    CONTEXT,
    POD_LABELS,
    DRA_ATTRIBUTES,
    SYSFS,
    CGROUP_ROOT,
    COUNTS_ONLY,
    LISTEN_ADDRESS,
    TELEMETRY_PATH,
    MAX_REQUESTS,
    WEB_CONFIG,
    LOG_LEVEL,
    LOG_FORMAT,
)
