"""values.yaml, its schema and its table agree; unknown values are rejected."""

import json
from typing import Any

import pytest
import yaml
from helm_rig import CHART, Helm, Object, documents, exporter, one, pod_specs

from podres_exporter.families.collectors import COLLECTORS

NOT_IN_VALUES = {"global", "enabled"}
"""What Helm hands down from a parent chart."""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return content


def closed(schema: dict[str, Any], prefix: str = "") -> set[str]:
    """Return the paths of all properties that a schema names."""
    found = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {f"{prefix}{name}"} | closed(inner, f"{prefix}{name}.")
    return found


def given(values: dict[str, Any], named: set[str], prefix: str = "") -> set[str]:
    """Return the paths of all values, as deep as the schema names them."""
    found = set()
    for name, inner in values.items():
        path = f"{prefix}{name}"
        found.add(path)
        if isinstance(inner, dict) and any(each.startswith(f"{path}.") for each in named):
            found |= given(inner, named, f"{path}.")
    return found


def test_the_schema_names_every_value_and_no_other(schema: dict[str, Any], values: dict[str, Any]) -> None:
    """But what is optional below a value: a collector is as the program has it unless it is named."""
    named = closed(schema)
    optional = {
        each for each in named if each.startswith(("collectors.", "seLinuxOptions.", "resources.claims"))
    } | NOT_IN_VALUES

    assert named - optional == given(values, named)


def test_the_schema_knows_every_collector(schema: dict[str, Any]) -> None:
    """A collector that the chart does not know could not be switched off."""
    assert set(COLLECTORS) == set(schema["properties"]["collectors"]["properties"])


def test_every_object_with_names_of_ours_is_closed(schema: dict[str, Any]) -> None:
    """Else a misspelt name would be taken and do nothing."""

    def open_ones(inner: dict[str, Any], path: str) -> list[str]:
        own = [path] if "properties" in inner and inner.get("additionalProperties") is not False else []
        return own + [each for name, item in inner.get("properties", {}).items() for each in open_ones(item, name)]

    assert [] == open_ones(schema, "the values")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"podMonitor": {"enable": True}}, "podMonitor: Additional property enable is not allowed"),
        ({"metadatas": {}}, "Additional property metadatas is not allowed"),
        ({"collectors": {"device": False}}, "collectors: Additional property device is not allowed"),
        (
            {"metadata": {"source": "kubelet"}},
            'metadata.source must be one of the following: "apiserver", "podsapi", "none"',
        ),
        ({"kubelet": {"pollInterval": 10}}, "kubelet.pollInterval: Invalid type. Expected: string, given: integer"),
        ({"kubelet": {"podResourcesDir": "/var/lib/kubelet/"}}, "kubelet.podResourcesDir: Does not match pattern"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, 'podLabels: Property name of "app.kubernetes.io/name"'),
        ({"web": {"port": 0}}, "web.port: Must be greater than or equal to 1"),
        ({"image": {"digest": "latest"}}, "image.digest: Does not match pattern"),
        ({"metadata": {"draAttributeAllowlist": ["a b"]}}, "metadata.draAttributeAllowlist.0: Does not match pattern"),
        ({"metadata": {"podLabelsAllowlist": ["pods=[app]"]}}, "metadata.podLabelsAllowlist.0: Does not match pattern"),
        ({"webConfig": None}, "(root): webConfig is required"),
        ({"image": None}, "(root): image is required"),
        ({"kubelet": {"timeout": None}}, "kubelet: timeout is required"),
        ({"monitor": {"interval": None}}, "monitor: interval is required"),
        (
            {"prometheusRule": {"alerts": {"PodresLoopErrors": {"expr": "1"}}}},
            "Additional property expr is not allowed",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(helm: Helm, wrong: dict[str, Any], said: str) -> None:
    """At the terminal, before anything reaches a cluster."""
    assert said in helm.refusal(wrong)


def test_a_parent_chart_may_switch_it_and_hand_down_its_globals(helm: Helm) -> None:
    """Helm puts both into our values without asking."""
    assert helm.objects({"enabled": True, "global": {"a": 1}})


def test_labels_for_everything_are_on_everything(rendered: dict[str, list[Object]]) -> None:
    """And on the pods."""
    objects = rendered["everything-else"]
    pods = [each["spec"]["template"] for each in objects if each["kind"] == "DaemonSet"]

    assert ["platform"] * (len(objects) + 1) == [each["metadata"]["labels"]["team"] for each in [*objects, *pods]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"image": {"repository": ""}}, "image.repository is empty, and no image is published yet: build one with"),
        (
            {"image": {"repository": "quay.io/a/podres-exporter"}, "global": {"imageRegistry": "mirror.example.com"}},
            "image.repository names the registry quay.io, and image.registry or global.imageRegistry names mirror.",
        ),
        (
            {"image": {"repository": "localhost:5000/podres-exporter", "registry": "mirror.example.com"}},
            "leave the registry out of image.repository",
        ),
        ({"web": {"port": 443}}, "web.port 443 is below 1024, which needs the capability NET_BIND_SERVICE"),
        (
            {"webConfig": {"existingSecret": "a", "inline": {"rate_limit": {}}}},
            "webConfig.inline and webConfig.existingSecret are both set",
        ),
        ({"webConfig": {"certificateSecret": "a"}}, "webConfig.certificateSecret is mounted but nothing uses it"),
        ({"webConfig": {"tls": True}}, "describe the file in webConfig.existingSecret, which is not set"),
        (
            {"webConfig": {"existingSecret": "a", "clientCertificates": True}},
            "client certificates exist with TLS only, so set both",
        ),
        (
            {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}},
            "podMonitor and serviceMonitor are enabled together; every node would be scraped twice, so enable one",
        ),
        (
            {"podMonitor": {"enabled": True}, "clusterPodMonitoring": {"enabled": True}},
            "podMonitor and clusterPodMonitoring are enabled together",
        ),
        (
            {"vmPodScrape": {"enabled": True}, "prometheusAnnotations": {"enabled": True}},
            "vmPodScrape and prometheusAnnotations are enabled together",
        ),
        (
            {"monitor": {"interval": "1m", "scrapeTimeout": "1m1s"}},
            "monitor.scrapeTimeout 1m1s is longer than the interval 1m between two scrapes",
        ),
        (
            {"clusterPodMonitoring": {"enabled": True}, "monitor": {"scrapeTimeout": "45s"}},
            "monitor.scrapeTimeout 45s is longer than the interval 30s between two scrapes",
        ),
        (
            {"monitor": {"basicAuth": {"username": {}}, "authorization": {"type": "Bearer"}}},
            "monitor.basicAuth and monitor.authorization are both set; one header is sent",
        ),
        (
            {"monitor": {"tlsConfig": {"serverName": "x"}}},
            "monitor.tlsConfig is set, but the exporter serves plain HTTP",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
            "maxSurge 1 needs maxUnavailable: 0 beside it (the default is 10%); Kubernetes refuses both at once",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "5%"}}},
            "maxSurge 25% needs maxUnavailable: 0 beside it",
        ),
        ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}}, "no pod could ever be updated"),
        (
            {"kubelet": {"pluginsDir": "/var/lib/kubelet/plugins"}},
            "kubelet.pluginsDir is set, but names of claims are read from drivers' files with",
        ),
        (
            {"extraVolumes": [{"name": "pods-api", "emptyDir": {}}]},
            "extraVolumes has a volume pods-api, a name",
        ),
        (
            {"extraVolumes": [{"name": "pod-resources", "emptyDir": {}}]},
            "extraVolumes has a volume pod-resources, a name",
        ),
        (
            {"extraVolumeMounts": [{"name": "a", "mountPath": "/var/lib/kubelet/pod-resources/"}]},
            "extraVolumeMounts mounts /var/lib/kubelet/pod-resources/, where the chart mounts",
        ),
        (
            {"extraEnv": [{"name": "NODE_NAME", "value": "a"}]},
            "extraEnv sets NODE_NAME, which the chart takes from the pod",
        ),
        ({"extraContainers": [{"name": "exporter"}]}, "has a container exporter, the name of the chart's own"),
        (
            {"securityContext": {"runAsUser": 65532}},
            "securityContext asks for another user than root: the kubelet's socket",
        ),
        ({"podSecurityContext": {"runAsNonRoot": True}}, "podSecurityContext asks for another user than root"),
        ({"podSecurityContext": {"seLinuxOptions": {"type": "a"}}}, "use the value seLinuxOptions"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.create=false without serviceAccount.name would give"),
        ({"prometheusRule": {"disabled": ["PodresDown"]}}, "prometheusRule.disabled names PodresDown, and there is no"),
        (
            {"prometheusRule": {"alerts": {"Podres": {"for": "1m"}}}},
            "prometheusRule.alerts names Podres, and there is no",
        ),
        (
            {"prometheusRule": {"alerts": {"PodresWebConfigReloadFailed": {"threshold": 1}}}},
            "this alert compares with no number; those that do are Podres",
        ),
    ],
)
def test_a_combination_that_would_fail_later_is_refused_with_a_sentence(
    helm: Helm, wrong: dict[str, Any], said: str
) -> None:
    """What the API server, an operator or the kubelet would refuse, or what would have no effect."""
    assert said in helm.refusal(wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"updateStrategy": {"rollingUpdate": {"maxSurge": "10%", "maxUnavailable": 0}}},
        {"updateStrategy": {"type": "OnDelete"}},
        {"monitor": {"interval": "1m30s", "scrapeTimeout": "90s"}},
        {"monitor": {"interval": "1h", "scrapeTimeout": "59m59s500ms"}},
        {"web": {"port": 1024}},
        {"image": {"repository": "team/podres-exporter"}, "global": {"imageRegistry": "mirror.example.com:5000"}},
        {"serviceAccount": {"create": False}, "metadata": {"source": "none"}},
        {"securityContext": {"runAsUser": 0, "readOnlyRootFilesystem": False}},
    ],
)
def test_what_looks_like_one_of_them_and_is_right_is_taken(helm: Helm, right: dict[str, Any]) -> None:
    """A refusal of something that works would be worse than none."""
    assert helm.objects(right)


def test_secrets_of_a_parent_chart_are_added_once(rendered: dict[str, list[Object]]) -> None:
    """Whether they are names or objects, as charts have them in both ways."""
    assert [[{"name": "mirror"}, {"name": "registry"}]] * 2 == [
        spec["imagePullSecrets"] for spec in pod_specs(rendered["grafana-operator"])
    ]


def test_the_pod_of_helm_test_lands_on_a_node_that_takes_work(rendered: dict[str, list[Object]]) -> None:
    """With the tolerations of the DaemonSet the scheduler may choose a node that is dead: it is the emptiest."""
    test, daemon_set = one(rendered["default"], "Pod"), one(rendered["default"], "DaemonSet")

    assert "tolerations" not in test["spec"]
    assert [{"operator": "Exists"}] == daemon_set["spec"]["template"]["spec"]["tolerations"]
    assert [{"key": "nvidia.com/gpu", "operator": "Exists"}] == one(rendered["pod"], "Pod")["spec"]["tolerations"]


def test_what_is_set_on_the_pods_is_there(rendered: dict[str, list[Object]]) -> None:
    """And in the namespace that was asked for, with the chart's own security as far as nothing overrides it."""
    daemon_set = one(rendered["pod"], "DaemonSet")
    spec = daemon_set["spec"]["template"]["spec"]
    container = exporter(rendered["pod"])

    assert {"monitoring"} == {
        each["metadata"]["namespace"] for each in rendered["pod"] if "Cluster" not in each["kind"]
    }
    assert (15, 0) == (daemon_set["spec"]["minReadySeconds"], daemon_set["spec"]["revisionHistoryLimit"])
    assert ("runc", "Default") == (spec["runtimeClassName"], spec["dnsPolicy"])
    assert {"type": "RuntimeDefault"} == spec["securityContext"]["appArmorProfile"]
    assert {"type": "Localhost", "localhostProfile": "podres.json"} == container["securityContext"]["seccompProfile"]
    assert {"drop": ["ALL"]} == container["securityContext"]["capabilities"]
    assert (["exporter", "proxy"], ["wait"]) == tuple(
        [each["name"] for each in spec[kind]] for kind in ("containers", "initContainers")
    )
    assert {"podres-exporter-extra", "text"} == {
        each["metadata"]["name"] for each in rendered["pod"] if each["kind"] == "ConfigMap"
    }


@pytest.mark.parametrize(("release", "is_recursive"), [("1.30.0", False), ("1.31.0", True)])
def test_cgroups_are_mounted_read_only_where_they_are_compared(helm: Helm, release: str, is_recursive: bool) -> None:
    """`collectors.cpuset-drift` only; the program is told where they are, and compares them."""
    values = {"collectors": {"cpuset-drift": True}}
    objects = documents(helm.template(values, f"--kube-version={release}"))
    (spec,) = [each for each in pod_specs(objects) if "volumes" in each and each["containers"][0]["args"][0] == "serve"]
    (mount,) = [each for each in exporter(objects)["volumeMounts"] if each["name"] == "cgroup"]

    assert {"name": "cgroup", "hostPath": {"path": "/sys/fs/cgroup", "type": "Directory"}} in spec["volumes"]
    assert ("/host/cgroup", True) == (mount["mountPath"], mount["readOnly"])
    assert is_recursive == (mount.get("recursiveReadOnly") == "IfPossible")
    assert {"--collector.cpuset-drift", "--cgroup.root=/host/cgroup"} <= set(exporter(objects)["args"])


@pytest.mark.parametrize("collectors", [{}, {"cpuset-drift": False}])
def test_cgroups_are_not_mounted_where_nobody_reads_them(helm: Helm, collectors: dict[str, bool]) -> None:
    """One folder of the node is enough."""
    objects = helm.objects({"collectors": collectors})

    assert "cgroup" not in [each["name"] for each in exporter(objects)["volumeMounts"]]
    assert "--cgroup.root=/host/cgroup" not in exporter(objects)["args"]
