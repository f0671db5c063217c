"""Build the configuration from flags, environment and defaults (in that order), reporting every fault at once."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.config import options
from podres_exporter.config.options import Config, Option, environment_name
from podres_exporter.config.values import boolean
from podres_exporter.errors import ConfigError

Given = Mapping[str, str | bool | list[str]]
"""Values from the command line by flag (`--kubelet.socket`): a boolean for a switch, a list for a repeated flag."""

T = TypeVar("T")

_NO_NODE_NAME = (
    "--node-name: pods are listed for one node only, never for the whole cluster, so its name is required; in a pod, "
    "set NODE_NAME from spec.nodeName, elsewhere give --node-name or --metadata.source=none"
)


class _Reader:
    """Looks values up and collects their faults; a wrong value is replaced by the default so that reading can go on."""

    def __init__(self, given: Given, environment: Mapping[str, str]) -> None:
        self._given, self._environment = given, environment
        self.faults: list[tuple[str, str]] = []

    def is_given(self, option: Option[T]) -> bool:
        """Return whether the user has set the option, by flag or environment."""
        return option.flag in self._given or bool(self._environment.get(option.environment))

    def value(self, option: Option[T], fallback: tuple[str, str] | None = None) -> T:
        """
        Return the value of an option that is given once; *fallback* is another place to look, with the text there.
        """
        where, found = self._look_up(option.flag, option.default)
        if fallback and not found and option.flag not in self._given:
            where, found = fallback
        parsed = self._parsed(option, where, str(found))
        return option.parse(option.default or "unnamed") if parsed is None else parsed

    def optional(self, option: Option[T]) -> T | None:
        """Return the value of an optional option, None if it is not set."""
        if not self.is_given(option):
            return None
        where, found = self._look_up(option.flag, option.default)
        return self._parsed(option, where, str(found))

    def values(self, option: Option[T]) -> tuple[T, ...]:
        """Return the distinct values of a repeatable option, in the order given."""
        where, found = self._look_up(option.flag, option.default)
        texts = found if isinstance(found, list) else str(found).split(",")
        parsed = [self._parsed(option, where, text) for text in texts]
        return tuple(dict.fromkeys(value for value in parsed if value is not None))

    def switch(self, flag: str, *, default: bool) -> bool:
        """Return a switch, set by `--x`, `--no-x` or its environment variable."""
        where, found = self._look_up(flag, default)
        if isinstance(found, bool):
            return found
        try:
            return boolean(str(found))
        except ValueError as error:
            self.faults.append((flag, f"{where}: {error}"))
            return default

    def _look_up(self, flag: str, default: T) -> tuple[str, str | bool | list[str] | T]:
        """Return the name of the flag or variable and its value; an empty variable counts as not set."""
        if flag in self._given:
            return flag, self._given[flag]
        name = environment_name(flag)
        return (name, self._environment[name]) if self._environment.get(name) else (flag, default)

    def _parsed(self, option: Option[T], where: str, text: str) -> T | None:
        """Return the parsed value, None if it is invalid."""
        try:
            return option.parse(text)
        except ValueError as error:
            self.faults.append((option.flag, f"{where}: {error}"))
            return None


def build_config(
    given: Given,
    environment: Mapping[str, str],
    host_name: str,
    collectors: Collection[str],
    default_on: Collection[str],
) -> Config:
    """
    Return the configuration.

    *collectors* are the names of all collectors, *default_on* those enabled by default. Environment variables that
    belong to no option are ignored: Kubernetes sets PODRES_..._PORT for services of such a name.

    Raises ConfigError with every fault, each prefixed with its flag or variable.
    """
    reader = _Reader(given, environment)
    pod_node = environment.get("NODE_NAME")
    source = reader.value(options.METADATA_SOURCE)
    fallback = ("NODE_NAME", pod_node) if pod_node else ("--node-name", host_name.lower())
    if source == "apiserver" and not (pod_node or reader.faults or reader.is_given(options.NODE_NAME)):
        reader.faults.append((options.NODE_NAME.flag, _NO_NODE_NAME))
    config = Config(
        kubelet_socket=reader.value(options.KUBELET_SOCKET),
        poll_interval_seconds=reader.value(options.POLL_INTERVAL),
        kubelet_timeout_seconds=reader.value(options.TIMEOUT),
        kubelet_max_message_bytes=reader.value(options.MAX_MESSAGE),
        snapshot_max_age_seconds=reader.value(options.MAX_AGE),
        snapshot_hold_down_seconds=reader.value(options.HOLD_DOWN),
        resync_interval_seconds=reader.value(options.RESYNC_INTERVAL),
        node_name=reader.value(options.NODE_NAME, fallback),
        node_is_guessed=not (pod_node or reader.is_given(options.NODE_NAME)),
        own_pod=_own_pod(environment),
        metadata_source=source,
        metadata_podsapi_socket=reader.value(options.PODSAPI_SOCKET),
        metadata_plugins_root=reader.value(options.PLUGINS_ROOT),
        metadata_kubeconfig=reader.optional(options.KUBECONFIG),
        metadata_context=reader.optional(options.CONTEXT),
        pod_labels_allowlist=reader.optional(options.POD_LABELS) or LabelAllowlist(),
        dra_attribute_allowlist=frozenset(
            reader.values(options.DRA_ATTRIBUTES) if reader.is_given(options.DRA_ATTRIBUTES) else ()
        ),
        topology_sysfs=reader.value(options.SYSFS),
        cgroup_root=reader.value(options.CGROUP_ROOT),
        collectors=frozenset(n for n in collectors if reader.switch(f"--collector.{n}", default=n in default_on)),
        node_label=reader.switch("--metrics.node-label", default=True),
        counts_only=frozenset(reader.values(options.COUNTS_ONLY) if reader.is_given(options.COUNTS_ONLY) else ()),
        listen_addresses=reader.values(options.LISTEN_ADDRESS),
        telemetry_path=reader.value(options.TELEMETRY_PATH),
        max_requests=reader.value(options.MAX_REQUESTS),
        web_config=reader.optional(options.WEB_CONFIG),
        log_level=reader.value(options.LOG_LEVEL),
        log_format=reader.value(options.LOG_FORMAT),
    )
    problems = [fault for _, fault in reader.faults] + _contradictions(config, {flag for flag, _ in reader.faults})
    if problems:
        raise ConfigError(problems)
    return config


def _own_pod(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the pod's own namespace and name from the downward API; None if either is missing."""
    namespace, name = environment.get("POD_NAMESPACE", ""), environment.get("POD_NAME", "")
    return (namespace, name) if namespace and name else None


def _contradictions(config: Config, faulty: set[str]) -> list[str]:
    """Return contradictions between values that are each valid on their own."""
    problems = []
    max_age, hold_down = config.snapshot_max_age_seconds, config.snapshot_hold_down_seconds
    least = config.poll_interval_seconds + config.kubelet_timeout_seconds
    if max_age <= least and not {"--snapshot.max-age", "--kubelet.poll-interval", "--kubelet.timeout"} & faulty:
        problems.append(
            f"--snapshot.max-age: {max_age:g}s must exceed --kubelet.poll-interval and --kubelet.timeout together "
            f"({least:g}s), or one slow answer would make the metrics disappear"
        )
    if hold_down >= max_age and not {"--snapshot.max-age", "--snapshot.hold-down"} & faulty:
        problems.append(
            f"--snapshot.hold-down: {hold_down:g}s must be less than --snapshot.max-age ({max_age:g}s), "
            "or metrics would disappear while pods from before a kubelet restart are still retained"
        )
    if config.metadata_context and not config.metadata_kubeconfig and "--metadata.kubeconfig" not in faulty:
        problems.append("--metadata.context: only a kubeconfig has contexts; give --metadata.kubeconfig too")
    return problems
