"""Flags override environment variables, which override defaults; all errors are reported at once."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.config import OPTIONS, Config, Option, build_config, option_name
from podres_exporter.config.build import Given
from podres_exporter.config.options import environment_name
from podres_exporter.errors import ConfigError
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.listen import ListenAddress

DEFAULTS = Config(
    kubelet_socket=Path("/var/lib/kubelet/pod-resources/kubelet.sock"),
    poll_interval_seconds=10.0,
    kubelet_timeout_seconds=10.0,
    kubelet_max_message_bytes=64 << 20,
    snapshot_max_age_seconds=120.0,
    snapshot_hold_down_seconds=60.0,
    resync_interval_seconds=300.0,
    node_name="host1",
    node_is_guessed=True,
    own_pod=None,
    metadata_source="none",
    metadata_podsapi_socket=Path("/var/lib/kubelet/pods-api/pods-api.sock"),
    metadata_plugins_root=Path("/var/lib/kubelet/plugins"),
    metadata_kubeconfig=None,
    metadata_context=None,
    pod_labels_allowlist=LabelAllowlist(),
    topology_sysfs=Path("/sys"),
    cgroup_root=Path("/sys/fs/cgroup"),
    collectors=DEFAULT_COLLECTORS,
    node_label=True,
    counts_only=frozenset(),
    dra_attribute_allowlist=frozenset(),
    listen_addresses=(ListenAddress("", 10190),),
    telemetry_path="/metrics",
    max_requests=16,
    web_config=None,
    log_level="info",
    log_format="logfmt",
)

# Per option: the field of Config, two good texts with their values, and a wrong text.
SAMPLES: dict[str, tuple[str, tuple[str, object], tuple[str, object], str]] = {
    "--kubelet.socket": ("kubelet_socket", ("/a", Path("/a")), ("unix:///b", Path("/b")), "kubelet.sock"),
    "--kubelet.poll-interval": ("poll_interval_seconds", ("5s", 5.0), ("1s", 1.0), "999ms"),
    "--kubelet.resync-interval": ("resync_interval_seconds", ("10m", 600.0), ("10s", 10.0), "9s"),
    "--kubelet.timeout": ("kubelet_timeout_seconds", ("2s", 2.0), ("100ms", 0.1), "99ms"),
    "--kubelet.max-message-size": ("kubelet_max_message_bytes", ("4Mi", 4 << 20), ("1Gi", 1 << 30), "3Mi"),
    "--dra.attribute-allowlist": (
        "dra_attribute_allowlist",
        ("driverVersion", frozenset({"driverVersion"})),
        ("a.b/c_d", frozenset({"a.b/c_d"})),
        "a.b/c-d",
    ),
    "--metrics.counts-only": ("counts_only", ("a.b/c", frozenset({"a.b/c"})), ("d/e", frozenset({"d/e"})), "gpu"),
    "--snapshot.max-age": ("snapshot_max_age_seconds", ("5m", 300.0), ("61s", 61.0), "soon"),
    "--snapshot.hold-down": ("snapshot_hold_down_seconds", ("30s", 30.0), ("0s", 0.0), "1"),
    "--node-name": ("node_name", ("worker-1", "worker-1"), ("worker-2.example", "worker-2.example"), "Worker_1"),
    "--metadata.source": ("metadata_source", ("none", "none"), ("podsapi", "podsapi"), "kubelet"),
    "--metadata.podsapi-socket": ("metadata_podsapi_socket", ("/a", Path("/a")), ("unix:///b", Path("/b")), "a.sock"),
    "--metadata.plugins-root": ("metadata_plugins_root", ("/a", Path("/a")), ("/b", Path("/b")), "plugins"),
    "--metadata.kubeconfig": ("metadata_kubeconfig", ("/a", "/a"), ("b", "b"), " a"),
    "--metadata.context": ("metadata_context", ("a", "a"), ("b", "b"), "a "),
    "--metadata.pod-labels-allowlist": (
        "pod_labels_allowlist",
        ("pods=[app]", LabelAllowlist(keys=frozenset(["app"]))),
        ("team", LabelAllowlist(keys=frozenset(["team"]))),
        "app=team",
    ),
    "--cgroup.root": ("cgroup_root", ("/host/cgroup", Path("/host/cgroup")), ("/c", Path("/c")), "cgroup"),
    "--topology.sysfs": ("topology_sysfs", ("/host/sys", Path("/host/sys")), ("/s", Path("/s")), "sys"),
    "--web.listen-address": (
        "listen_addresses",
        (":1", (ListenAddress("", 1),)),
        ("[::1]:2", (ListenAddress("::1", 2),)),
        "10190",
    ),
    "--web.telemetry-path": ("telemetry_path", ("/a", "/a"), ("/b", "/b"), "metrics"),
    "--web.max-requests": ("max_requests", ("1", 1), ("1000", 1000), "0"),
    "--web.config.file": ("web_config", ("/a.yml", Path("/a.yml")), ("web.yml", Path("web.yml")), "/etc/podres/"),
    "--log.level": ("log_level", ("debug", "debug"), ("error", "error"), "trace"),
    "--log.format": ("log_format", ("json", "json"), ("logfmt", "logfmt"), "xml"),
}


def build(given: Given | None = None, environment: Mapping[str, str] | None = None, host_name: str = "host1") -> Config:
    """Return the configuration; unless said otherwise metadata is off, and a context has a kubeconfig beside it."""
    given, environment = dict(given or {}), dict(environment or {})
    if not environment.get("PODRES_METADATA_SOURCE"):
        given.setdefault("--metadata.source", "none")
    if "--metadata.context" in given or environment.get("PODRES_METADATA_CONTEXT"):
        environment.setdefault("PODRES_METADATA_KUBECONFIG", "/k")
    return build_config(given, environment, host_name, COLLECTORS, DEFAULT_COLLECTORS)


def of_cluster(**environment: str) -> Config:
    """Return the configuration of a pod without flags."""
    return build_config({}, environment, "host1", COLLECTORS, DEFAULT_COLLECTORS)


def faults(
    given: Given | None = None, environment: Mapping[str, str] | None = None, host_name: str = "host1"
) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        build(given, environment, host_name)
    return caught.value.problems


def as_given(option: Option[object], text: str) -> str | list[str]:
    """Return the text as the command line hands it over: a list where the flag may be repeated."""
    return [text] if option.repeatable else text


def test_the_table_of_this_module_has_every_option() -> None:
    """An option without a row here would be one without a test of its precedence."""
    assert {option.flag for option in OPTIONS} == set(SAMPLES)


def test_nothing_given_means_the_documented_defaults() -> None:
    """The table of flags of `serve`."""
    assert DEFAULTS == build()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_a_flag_comes_before_the_environment_and_the_environment_before_the_default(option: Option[object]) -> None:
    """Precedence is flags > environment > defaults, for each option."""
    field, (flag_text, flag_value), (twin_text, twin_value), _ = SAMPLES[option.flag]
    given, environment = {option.flag: as_given(option, flag_text)}, {option.environment: twin_text}

    assert flag_value == getattr(build(given, environment), field)
    assert twin_value == getattr(build({}, environment), field)
    assert getattr(DEFAULTS, field) == getattr(build(), field)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_an_empty_variable_counts_as_not_set(option: Option[object]) -> None:
    """A manifest that leaves a value blank means the default."""
    assert DEFAULTS == build({}, {option.environment: ""})


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_a_wrong_flag_is_named_with_its_text(option: Option[object]) -> None:
    """Each fault names where it stands and what stands there."""
    wrong = SAMPLES[option.flag][3]
    (fault,) = faults({option.flag: as_given(option, wrong)})

    assert fault.startswith(f"{option.flag}: ")
    assert wrong in fault


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_a_wrong_variable_is_named_and_not_the_flag_that_nobody_gave(option: Option[object]) -> None:
    """A user who set a variable looks for the variable."""
    wrong = SAMPLES[option.flag][3]
    (fault,) = faults({}, {option.environment: wrong})

    assert fault.startswith(f"{option.environment}: ")
    assert wrong in fault


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_a_flag_given_empty_is_a_fault_and_not_the_default(option: Option[object]) -> None:
    """Only variables may be empty; `--flag ""` is what a script with an unset variable of its own makes."""
    (fault,) = faults({option.flag: as_given(option, "")})

    assert fault.startswith(f"{option.flag}: ")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_a_wrong_variable_does_not_matter_where_the_flag_is_given(option: Option[object]) -> None:
    """Precedence decides before anything is parsed."""
    field, (text, value), _, wrong = SAMPLES[option.flag]
    config = build({option.flag: as_given(option, text)}, {option.environment: wrong})

    assert value == getattr(config, field)


def test_every_fault_is_said_at_once() -> None:
    """A user should mend all of them in one go."""
    given: dict[str, str | bool | list[str]] = {
        option.flag: as_given(option, SAMPLES[option.flag][3]) for option in OPTIONS
    }
    switches = {environment_name(f"--collector.{name}"): "maybe" for name in COLLECTORS}
    found = faults(given, {**switches, "PODRES_METRICS_NODE_LABEL": "perhaps"})
    expected = set(SAMPLES) | set(switches) | {"PODRES_METRICS_NODE_LABEL"}

    assert expected == {fault.partition(":")[0] for fault in found}
    assert len(expected) == len(found)


def test_every_wrong_listen_address_is_said_at_once() -> None:
    """The flag may be repeated, and so may its faults."""
    found = " ".join(faults({"--web.listen-address": ["nowhere", ":99999", ":10190"]}))

    assert "'nowhere'" in found
    assert "'99999'" in found


def test_a_listen_address_may_be_repeated_and_counts_once() -> None:
    """The order is the user's; binding the same address twice could only fail."""
    config = build({"--web.listen-address": ["127.0.0.1:1", "[::1]:1", "127.0.0.1:1"]})

    assert (ListenAddress("127.0.0.1", 1), ListenAddress("::1", 1)) == config.listen_addresses


def test_listen_addresses_in_the_environment_are_separated_by_commas() -> None:
    """A variable cannot be repeated."""
    config = build({}, {"PODRES_WEB_LISTEN_ADDRESS": "127.0.0.1:1, [::1]:1"})

    assert (ListenAddress("127.0.0.1", 1), ListenAddress("::1", 1)) == config.listen_addresses


def test_every_wrong_listen_address_in_the_environment_is_said_at_once() -> None:
    """As with the flag; each fault names the variable."""
    found = faults({}, {"PODRES_WEB_LISTEN_ADDRESS": "nowhere,:99999"})

    assert {"PODRES_WEB_LISTEN_ADDRESS"} == {fault.partition(":")[0] for fault in found}
    assert "'nowhere'" in " ".join(found)
    assert "'99999'" in " ".join(found)


@pytest.mark.parametrize("service", ["PODRES", "PODRES_EXPORTER", "PODRES_WEB", "PODRES_LOG", "PODRES_KUBELET"])
def test_variables_that_kubernetes_injects_for_services_are_ignored(service: str) -> None:
    """
    For a Service `podres-exporter` every pod of its namespace gets PODRES_EXPORTER_PORT=tcp://10.0.0.1:10190 and more.

    Source: Kubernetes, Service, "Environment variables".
    """
    injected = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "10190",
        f"{service}_SERVICE_PORT_METRICS": "10190",
        f"{service}_PORT": "tcp://10.0.0.1:10190",
        f"{service}_PORT_10190_TCP": "tcp://10.0.0.1:10190",
        f"{service}_PORT_10190_TCP_PROTO": "tcp",
        f"{service}_PORT_10190_TCP_PORT": "10190",
        f"{service}_PORT_10190_TCP_ADDR": "10.0.0.1",
    }

    assert DEFAULTS == build({}, injected)


def test_no_variable_looks_like_a_variable_of_a_service() -> None:
    """Whatever a Service is called, Kubernetes' variables end in these ways, so they can never be read as an option."""
    flags = [option.flag for option in OPTIONS] + [f"--collector.{name}" for name in COLLECTORS]
    twins = [environment_name(flag) for flag in (*flags, "--metrics.node-label")]
    injected = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)?)")

    assert [] == [twin for twin in twins if injected.fullmatch(twin)]
    assert len(twins) == len(set(twins))


@pytest.mark.parametrize(
    ("flag", "twin", "option"),
    [
        ("--kubelet.socket", "PODRES_KUBELET_SOCKET", "kubelet_socket"),
        ("--kubelet.poll-interval", "PODRES_KUBELET_POLL_INTERVAL", "kubelet_poll_interval"),
        ("--node-name", "PODRES_NODE_NAME", "node_name"),
        ("--collector.cpu-info", "PODRES_COLLECTOR_CPU_INFO", "collector_cpu_info"),
    ],
)
def test_the_variable_of_a_flag_is_its_name_in_capitals(flag: str, twin: str, option: str) -> None:
    """`--kubelet.socket` = `PODRES_KUBELET_SOCKET`."""
    assert twin == environment_name(flag)
    assert option == option_name(flag)


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ({"--node-name": "flag"}, {"PODRES_NODE_NAME": "twin", "NODE_NAME": "pod"}, "flag"),
        ({}, {"PODRES_NODE_NAME": "twin", "NODE_NAME": "pod"}, "twin"),
        ({}, {"NODE_NAME": "pod"}, "pod"),
        ({}, {"PODRES_NODE_NAME": "", "NODE_NAME": ""}, "host1"),
        ({}, {}, "host1"),
    ],
)
def test_the_node_is_named_by_flag_variable_downward_api_and_host_in_this_order(
    given: Given, environment: Mapping[str, str], expected: str
) -> None:
    """`--node-name`, else `$NODE_NAME`, else the host name."""
    assert expected == build(given, environment).node_name


def test_a_host_name_in_capitals_becomes_a_node_name_as_the_kubelet_would_make_it() -> None:
    """The kubelet lowers the host name too (Kubernetes, component-helpers nodeutil.GetHostname)."""
    assert "host-a" == build({}, {}, "HOST-A").node_name


def test_a_wrong_node_name_from_the_pod_is_named_by_its_variable() -> None:
    """An error in NODE_NAME must not name a flag that was not given."""
    (fault,) = faults({}, {"NODE_NAME": "Worker_1"})

    assert fault.startswith("NODE_NAME: ")
    assert "'Worker_1'" in fault


def test_a_host_name_that_no_node_may_have_is_refused_with_the_way_out() -> None:
    """A label `node` that matches no node of the cluster would join with nothing."""
    (fault,) = faults({}, {}, "my_laptop")

    assert fault.startswith("--node-name: ")
    assert "'my_laptop'" in fault
    assert "NODE_NAME" in fault


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_collector_can_be_switched_by_flag_and_by_variable(name: str) -> None:
    """`--collector.NAME`, `--no-collector.NAME` and the environment variable; the flag wins."""
    flag, twin = f"--collector.{name}", environment_name(f"--collector.{name}")

    assert (name in DEFAULT_COLLECTORS) == (name in build().collectors)
    assert name in build({flag: True}).collectors
    assert name not in build({flag: False}).collectors
    assert name in build({}, {twin: "true"}).collectors
    assert name not in build({}, {twin: "false"}).collectors
    assert name in build({flag: True}, {twin: "false"}).collectors
    assert name not in build({flag: False}, {twin: "true"}).collectors
    assert (name in DEFAULT_COLLECTORS) == (name in build({}, {twin: ""}).collectors)


def test_switching_one_collector_leaves_the_others_alone() -> None:
    """Each switch is its own."""
    assert (
        DEFAULT_COLLECTORS - {"cpus"} | {"cpu-info"}
        == build({"--collector.cpus": False, "--collector.cpu-info": True}).collectors
    )


def test_all_collectors_are_on_but_the_series_per_cpu_and_the_cgroups() -> None:
    """Per-CPU series are off by default."""
    assert set(COLLECTORS) - {"cpu-info", "cpuset-drift"} == build().collectors


def test_the_node_label_can_be_switched_off_by_flag_and_by_variable() -> None:
    """`--[no-]metrics.node-label`; a scrape configuration often adds the label itself."""
    assert build().node_label
    assert not build({"--metrics.node-label": False}).node_label
    assert not build({}, {"PODRES_METRICS_NODE_LABEL": "0"}).node_label
    assert build({"--metrics.node-label": True}, {"PODRES_METRICS_NODE_LABEL": "0"}).node_label


def test_a_wrong_switch_is_named_by_its_variable() -> None:
    """A switch that is neither true nor false is a fault like any other."""
    assert ("PODRES_COLLECTOR_CPU_INFO: 'yes' is neither true nor false",) == faults(
        {}, {"PODRES_COLLECTOR_CPU_INFO": "yes"}
    )


def test_a_hold_down_of_0_seconds_is_allowed() -> None:
    """It believes every answer at once, which tests and single-user machines may want."""
    assert build({"--snapshot.hold-down": "0s"}).snapshot_hold_down_seconds == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("max_age", "interval", "timeout", "is_right"),
    [
        ("20s", "10s", "10s", False),
        ("20001ms", "10s", "10s", True),
        ("10s", "1s", "10s", False),
        ("3s", "1s", "1s", True),
    ],
)
def test_the_maximum_age_exceeds_interval_and_deadline_together(
    max_age: str, interval: str, timeout: str, is_right: bool
) -> None:
    """Else a single slow answer would make the metrics disappear, and unavailable would look like empty."""
    given: Given = {
        "--snapshot.max-age": max_age,
        "--kubelet.poll-interval": interval,
        "--kubelet.timeout": timeout,
        "--snapshot.hold-down": "0s",
    }
    if is_right:
        assert build(given).snapshot_max_age_seconds > 0
        return
    (fault,) = faults(given)

    assert fault.startswith("--snapshot.max-age: ")
    assert "--kubelet.poll-interval" in fault
    assert "--kubelet.timeout" in fault


@pytest.mark.parametrize(("hold_down", "is_right"), [("119s", True), ("120s", False), ("1h", False)])
def test_the_hold_down_is_shorter_than_the_maximum_age(hold_down: str, is_right: bool) -> None:
    """Else the metrics would disappear while answers are held back."""
    given: Given = {"--snapshot.hold-down": hold_down}
    if is_right:
        assert build(given).snapshot_hold_down_seconds < DEFAULTS.snapshot_max_age_seconds
        return
    (fault,) = faults(given)

    assert fault.startswith("--snapshot.hold-down: ")
    assert "--snapshot.max-age" in fault


def test_contradictions_are_said_together_with_the_other_faults() -> None:
    """All faults at once includes those between values."""
    found = faults({"--snapshot.max-age": "5s", "--log.level": "trace"})

    assert ["--log.level", "--snapshot.hold-down", "--snapshot.max-age"] == sorted(f.partition(":")[0] for f in found)


@pytest.mark.parametrize("flag", ["--snapshot.max-age", "--kubelet.poll-interval", "--kubelet.timeout"])
def test_a_wrong_value_is_not_reported_a_second_time_as_a_contradiction(flag: str) -> None:
    """A value that could not be read contradicts nothing; the default that stands in for it is not the user's."""
    others: Given = {"--snapshot.max-age": "2s", "--snapshot.hold-down": "1s"}
    found = faults({**others, flag: "soon"})

    assert [flag] == [fault.partition(":")[0] for fault in found]


def test_a_wrong_hold_down_is_not_reported_a_second_time_as_a_contradiction() -> None:
    """The same for the other pair: the hold-down of one minute that stands in exceeds these 30 seconds."""
    found = faults({"--snapshot.max-age": "30s", "--snapshot.hold-down": "soon"})

    assert ["--snapshot.hold-down"] == [fault.partition(":")[0] for fault in found]


def test_the_configuration_is_frozen() -> None:
    """It is read by several threads and must not change after the start."""
    with pytest.raises(AttributeError):
        build().log_level = "debug"  # type: ignore[misc]  # that is what the test is about


def test_the_api_server_is_asked_unless_said_otherwise() -> None:
    """In a DaemonSet NODE_NAME comes from spec.nodeName."""
    config = of_cluster(NODE_NAME="worker-1")

    assert ("apiserver", "worker-1") == (config.metadata_source, config.node_name)


@pytest.mark.parametrize("environment", [{}, {"NODE_NAME": ""}])
def test_the_api_server_is_never_asked_for_the_pods_of_all_nodes(environment: dict[str, str]) -> None:
    """Without a node name the watch would be cluster-wide; a host name may not be the node's name."""
    with pytest.raises(ConfigError) as caught:
        of_cluster(**environment)

    (problem,) = caught.value.problems
    assert problem.startswith("--node-name: ")
    assert "spec.nodeName" in problem


def test_the_node_name_of_a_flag_or_of_our_own_variable_will_do() -> None:
    """NODE_NAME is the third choice."""
    assert "worker-1" == of_cluster(PODRES_NODE_NAME="worker-1").node_name


def test_a_context_without_a_kubeconfig_is_a_fault() -> None:
    """A service account has no contexts."""
    with pytest.raises(ConfigError) as caught:
        of_cluster(NODE_NAME="n", PODRES_METADATA_CONTEXT="prod")

    (problem,) = caught.value.problems
    assert problem.startswith("--metadata.context: ")
