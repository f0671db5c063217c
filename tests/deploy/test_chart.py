"""The chart renders valid manifests for all values, and flags that the program accepts."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_rig import CHART, VARIANTS, Helm, Object, documents, exporter, kinds, one, pod_specs
from kube_schemas import VERSIONS, problems

from podres_exporter import __version__
from podres_exporter.cli.flags.commands import build_parser
from podres_exporter.cli.flags.parser import given_flags, unknown_arguments
from podres_exporter.cli.serve.command import configured
from podres_exporter.config import OPTIONS, Config
from podres_exporter.families.collectors import DEFAULT_COLLECTORS

DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
VALUES_OF_FLAGS = {
    "--kubelet.poll-interval": "kubelet.pollInterval",
    "--kubelet.timeout": "kubelet.timeout",
    "--snapshot.max-age": "snapshot.maxAge",
    "--snapshot.hold-down": "snapshot.holdDown",
    "--metadata.source": "metadata.source",
    "--web.telemetry-path": "web.telemetryPath",
    "--web.max-requests": "web.maxRequests",
    "--log.level": "log.level",
    "--log.format": "log.format",
}


def at(content: dict[str, Any], path: str) -> Any:
    """Return what stands at a path such as `web.port`."""
    for name in path.split("."):
        content = content[name]
    return content


def config_of(container: Object) -> Config:
    """Return what the program makes of the container's flags and environment."""
    arguments, extras = build_parser().parse_known_args(container["args"])
    return configured(given_flags(arguments), {"NODE_NAME": "node1"}, unknown_arguments(arguments, extras))


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_has_nothing_to_say_against_any_variant(helm: Helm, variant: str) -> None:
    """`--strict`: a warning fails too."""
    done = helm.run("lint", "--strict", str(CHART), f"--values={CHART / 'ci' / variant}-values.yaml")

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_release_from_1_30_to_1_37_takes_what_any_variant_makes(
    rendered: dict[str, list[Object]], variant: str
) -> None:
    """Strictly: a field that Kubernetes does not know would be dropped in silence."""
    assert [] == [
        (version, problem) for version in VERSIONS for item in rendered[variant] for problem in problems(item, version)
    ]


@pytest.mark.parametrize("variant", ["default", "kube-prometheus-stack", "openshift"])
def test_a_field_that_nobody_knows_would_be_seen(rendered: dict[str, list[Object]], variant: str) -> None:
    """What judges the objects must be able to say no, of Kubernetes' own kinds and of operators'."""
    for item in rendered[variant]:
        assert problems({**item, "misspelt": 1}, VERSIONS[0])
        assert problems({**item, "metadata": {**item["metadata"], "label": {}}}, VERSIONS[-1])


@pytest.mark.parametrize(("release", "is_taken"), [("1.19.16", False), ("1.20.0", True), ("1.37.2-gke.1000", True)])
def test_clusters_are_taken_from_1_20_on(helm: Helm, release: str, is_taken: bool) -> None:
    """Those of providers, whose versions look like candidates of a release, too."""
    done = helm.run("template", "x", str(CHART), "--set=image.repository=x", f"--kube-version={release}")

    assert is_taken == (done.returncode == 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_program_takes_the_flags_of_any_variant(rendered: dict[str, list[Object]], variant: str) -> None:
    """A flag that does not exist, or a value that is refused, would be found out by pods that restart forever."""
    config = config_of(exporter(rendered[variant]))

    assert "node1" == config.node_name


def test_values_become_the_configuration_that_they_name(rendered: dict[str, list[Object]]) -> None:
    """Each by the flag of its name; what has no value of its own goes by extraArgs."""
    config = config_of(exporter(rendered["everything-else"]))

    assert DEFAULT_COLLECTORS - {"usage"} | {"cpu-info"} == config.collectors
    assert (False, "debug", "json", "/host/sys") == (
        config.node_label,
        config.log_level,
        config.log_format,
        str(config.topology_sysfs),
    )
    assert config.pod_labels_allowlist.allows("app")
    assert config.pod_labels_allowlist.allows("example.com/a")
    assert not config.pod_labels_allowlist.allows("other")


@pytest.mark.parametrize(("flag", "path"), VALUES_OF_FLAGS.items())
def test_the_default_of_a_value_is_the_default_of_its_flag(values: dict[str, Any], flag: str, path: str) -> None:
    """Two defaults for one thing would make README wrong for one of its readers."""
    option = next(option for option in OPTIONS if option.flag == flag)

    assert option.default == str(at(values, path))


def test_the_port_is_the_one_that_the_program_and_kubectl_podres_use(values: dict[str, Any]) -> None:
    """`kubectl podres` finds exporters by their name label and asks their port `metrics`."""
    assert ":10190" == next(option for option in OPTIONS if option.flag == "--web.listen-address").default
    assert 10190 == values["web"]["port"]


def test_the_chart_is_of_the_release_that_it_installs() -> None:
    """The image's tag is the appVersion, unless it is set."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert (__version__, __version__) == (chart["version"], chart["appVersion"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pods_are_found_by_their_labels_and_their_port(rendered: dict[str, list[Object]], variant: str) -> None:
    """Whatever the objects are called: this is how `kubectl podres` finds exporters."""
    daemon_set = one(rendered[variant], "DaemonSet")
    selector = daemon_set["spec"]["selector"]["matchLabels"]
    labels = daemon_set["spec"]["template"]["metadata"]["labels"]

    assert {"app.kubernetes.io/name": "podres-exporter", "app.kubernetes.io/instance": "podres-exporter"} == selector
    assert selector.items() <= labels.items()
    assert ["metrics"] == [port["name"] for port in exporter(rendered[variant])["ports"]]


def test_the_pod_of_helm_test_is_not_taken_for_an_exporter(rendered: dict[str, list[Object]]) -> None:
    """Nothing may scrape it or count it."""
    labels = one(rendered["default"], "Pod")["metadata"]["labels"]

    assert "podres-exporter-check" == labels["app.kubernetes.io/name"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_test_runs_a_check_that_the_program_knows(rendered: dict[str, list[Object]], variant: str) -> None:
    """With the flags that `serve` runs with, as far as `check` has them."""
    container = one(rendered[variant], "Pod")["spec"]["containers"][0]
    arguments, extras = build_parser().parse_known_args(container["args"])

    assert "command" not in container
    assert ("check", True) == (arguments.verb, arguments.warnings_ok)
    assert [] == unknown_arguments(arguments, extras)


def test_a_new_chart_alone_restarts_no_pod(rendered: dict[str, list[Object]]) -> None:
    """A label with the chart's version in the template would roll every node for a changed comment."""
    labels = one(rendered["default"], "DaemonSet")["spec"]["template"]["metadata"]["labels"]

    assert "helm.sh/chart" not in labels


def test_the_directory_is_mounted_and_never_the_socket(rendered: dict[str, list[Object]]) -> None:
    """A mounted file stays the dead one when the kubelet recreates its socket (kubernetes/website #42339)."""
    for variant, path in {
        "default": "/var/lib/kubelet",
        "microk8s": "/var/snap/microk8s/common/var/lib/kubelet",
    }.items():
        for spec in pod_specs(rendered[variant]):
            host = [volume["hostPath"] for volume in spec["volumes"] if "hostPath" in volume]
            mounts = [mount["mountPath"] for each in spec["containers"] for mount in each["volumeMounts"]]

            assert [{"path": f"{path}/pod-resources", "type": "Directory"}] == host
            assert "/var/lib/kubelet/pod-resources" == mounts[0]


def test_the_node_is_named_by_the_downward_api(rendered: dict[str, list[Object]]) -> None:
    """The API server is asked for the pods of one node and never of all."""
    expected = {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}

    assert [expected, expected] == [
        each["env"][0] for spec in pod_specs(rendered["default"]) for each in spec["containers"]
    ]


def test_every_node_is_looked_at_and_a_tenth_is_updated_at_once(rendered: dict[str, list[Object]]) -> None:
    """Taints say what may run on a node, not whether its devices are to be known."""
    spec = one(rendered["default"], "DaemonSet")["spec"]

    assert [{"operator": "Exists"}] == spec["template"]["spec"]["tolerations"]
    assert "10%" == spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"]
    assert {"requests": {"cpu": "20m", "memory": "80Mi"}, "limits": {"memory": "256Mi"}} == exporter(
        rendered["default"]
    )["resources"]


def test_what_is_empty_leaves_no_trace(rendered: dict[str, list[Object]]) -> None:
    """Whoever wants no toleration, no affinity and no limits gets none."""
    daemon_set = one(rendered["everything-else"], "DaemonSet")
    spec = daemon_set["spec"]["template"]["spec"]

    assert {"type": "OnDelete"} == daemon_set["spec"]["updateStrategy"]
    assert not {"tolerations", "affinity", "nodeSelector"} & spec.keys()
    assert "resources" not in spec["containers"][0] or not any(spec["containers"][0]["resources"].values())


@pytest.mark.parametrize(
    ("variant", "image"),
    [
        ("default", f"podres-exporter:{__version__}"),
        ("names", "registry.example.com/podres-exporter:9.9.9"),
        ("grafana-operator", f"mirror.example.com/podres-exporter:{__version__}"),
        (
            "everything-else",
            f"registry.example.com/podres-exporter@{DIGEST}",
        ),
    ],
)
def test_an_image_is_named_by_tag_or_by_digest(rendered: dict[str, list[Object]], variant: str, image: str) -> None:
    """Where there is a digest it decides."""
    assert image == exporter(rendered[variant])["image"]


@pytest.mark.parametrize(
    ("variant", "liveness", "readiness"),
    [
        ("default", ("HTTP", "/-/healthy"), ("HTTP", "/-/ready")),
        ("tls", ("HTTPS", "/-/healthy"), ("HTTPS", "/-/ready")),
        ("client-certificates", None, None),
        ("existing-web-secret", None, None),
    ],
)
def test_probes_follow_the_web_config(
    rendered: dict[str, list[Object]],
    variant: str,
    liveness: tuple[str, str] | None,
    readiness: tuple[str, str] | None,
) -> None:
    """The kubelet verifies no certificate and shows none: where one is required, a probe can only connect."""
    for name, expected in (("livenessProbe", liveness), ("readinessProbe", readiness)):
        probe = exporter(rendered[variant])[name]
        asked = probe.get("httpGet")

        assert expected == (asked and (asked["scheme"], asked["path"]))
        assert ({"port": "metrics"} if expected is None else None) == probe.get("tcpSocket")


def test_a_web_config_and_its_certificate_are_files_of_one_directory(rendered: dict[str, list[Object]]) -> None:
    """Names in the file are relative to it; a projected volume changes as a whole when a Secret does."""
    objects = rendered["tls"]
    volume = pod_specs(objects)[0]["volumes"][1]
    content = yaml.safe_load(one(objects, "Secret")["stringData"]["web.yml"])

    assert ["podres-exporter-web", "podres-tls"] == [
        source["secret"]["name"] for source in volume["projected"]["sources"]
    ]
    assert {"cert_file": "tls.crt", "key_file": "tls.key"} == content["tls_server_config"]
    assert "--web.config.file=/etc/podres/web.yml" in exporter(objects)["args"]


def test_an_existing_secret_is_mounted_and_none_is_made(rendered: dict[str, list[Object]]) -> None:
    """Its key is the file's name."""
    objects = rendered["existing-web-secret"]

    assert "Secret" not in kinds(objects)
    assert "--web.config.file=/etc/podres/web-config.yml" in exporter(objects)["args"]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the chart that has its notes, which only an installation renders, as an object."""
    chart = Path(tmp_path_factory.mktemp("notes")) / "podres-exporter"
    shutil.copytree(CHART, chart)
    shutil.move(chart / "templates" / "NOTES.txt", chart)
    (chart / "templates" / "notes.yaml").write_text('notes: |\n  {{- tpl (.Files.Get "NOTES.txt") . | nindent 2 }}\n')
    return chart


@pytest.mark.parametrize(
    ("variant", "has", "has_not"),
    [
        ("default", "NOTHING SCRAPES IT YET", "metadata.source is none"),
        ("minimal", "metadata.source is none", "{{"),
        ("kube-prometheus-stack", "port-forward", "THE DASHBOARDS READ RECORDING RULES"),
        ("tls", "https://localhost:10190/metrics", "NOTHING SCRAPES IT YET"),
        ("annotations", "daemonset/podres-exporter 10190:9999\n  http://localhost:10190/m", "NOTHING"),
    ],
)
def test_the_notes_say_what_to_do_next(helm: Helm, notes: Path, variant: str, has: str, has_not: str) -> None:
    """How to look at it, what does not scrape it yet, and why pods may be missing."""
    values = f"--values={CHART / 'ci' / variant}-values.yaml"
    done = helm.run("template", "podres-exporter", str(notes), "--namespace=podres", values)
    text = next(each["notes"] for each in documents(done.stdout) if "notes" in each)

    assert has in text
    assert has_not not in text
    assert "kubectl label namespace podres pod-security.kubernetes.io/enforce=privileged" in text
