"""ServiceMonitor, PodMonitor and dashboards of the chart: labels are kept, and the node is named."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_rig import CHART, ROOT, VARIANTS, Helm, Object, kinds, one

MONITORS = {
    "kube-prometheus-stack": ("PodMonitor", "podMetricsEndpoints", "relabelings"),
    "servicemonitor": ("ServiceMonitor", "endpoints", "relabelings"),
    "victoriametrics": ("VMPodScrape", "podMetricsEndpoints", "relabelConfigs"),
}
OPERATOR_KINDS = {kind for kind, _, _ in MONITORS.values()} | {"ClusterPodMonitoring", "PrometheusRule"}


def relabel(rules: list[Object], labels: dict[str, str]) -> dict[str, str]:
    """Return the labels that Prometheus has after these rules, of which we use two kinds."""
    labels = dict(labels)
    for rule in rules:
        if rule["action"] == "replace":
            labels[rule["targetLabel"]] = ";".join(labels.get(name, "") for name in rule["sourceLabels"])
        else:
            assert "labeldrop" == rule["action"]
            labels = {name: value for name, value in labels.items() if not re.fullmatch(rule["regex"], name)}
    return labels


@pytest.mark.parametrize("variant", MONITORS)
def test_a_monitor_keeps_our_labels_and_names_the_node(rendered: dict[str, list[Object]], variant: str) -> None:
    """Our namespace, pod and container are the workload's; those of the target are the exporter's and say nothing."""
    kind, endpoints, relabelings = MONITORS[variant]
    (endpoint,) = one(rendered[variant], kind)["spec"][endpoints]
    target = {
        "__meta_kubernetes_pod_node_name": "node1",
        "namespace": "podres",
        "pod": "podres-exporter-x",
        "container": "exporter",
        "job": "podres-exporter",
    }
    labels = relabel(endpoint[relabelings][:2], target)

    assert endpoint["honorLabels"]
    assert ("metrics", "http") == (endpoint["port"], endpoint["scheme"])
    assert {"node": "node1", "namespace": "podres", "job": "podres-exporter"}.items() <= labels.items()
    assert not {"pod", "container"} & labels.keys()


@pytest.mark.parametrize("variant", MONITORS)
def test_a_monitor_selects_what_it_is_for(rendered: dict[str, list[Object]], variant: str) -> None:
    """The Service where it looks for one, else the pods; in the namespace of the release, wherever it is itself."""
    objects = rendered[variant]
    kind, _, _ = MONITORS[variant]
    spec = one(objects, kind)["spec"]
    looked_for = one(objects, "Service") if kind == "ServiceMonitor" else one(objects, "DaemonSet")["spec"]["template"]

    assert spec["selector"]["matchLabels"].items() <= looked_for["metadata"]["labels"].items()
    assert {"matchNames": ["podres"]} == spec["namespaceSelector"]
    assert spec["jobLabel"] in looked_for["metadata"]["labels"]


def test_a_service_monitor_has_its_service_and_sees_exporters_that_are_not_ready(
    rendered: dict[str, list[Object]],
) -> None:
    """One that is not ready has podres_source_up 0, which is what must be seen."""
    objects = rendered["servicemonitor"]
    service = one(objects, "Service")["spec"]

    assert ("None", True) == (service["clusterIP"], service["publishNotReadyAddresses"])
    assert "metrics" == service["ports"][0]["name"]
    assert "monitoring" == one(objects, "ServiceMonitor")["metadata"]["namespace"]
    assert service["selector"].items() <= one(objects, "DaemonSet")["spec"]["template"]["metadata"]["labels"].items()


def test_own_relabelings_come_after_the_charts(rendered: dict[str, list[Object]]) -> None:
    """So that they can use `node`."""
    (endpoint,) = one(rendered["servicemonitor"], "ServiceMonitor")["spec"]["endpoints"]

    assert "zone" == endpoint["relabelings"][2]["targetLabel"]
    assert [{"action": "labeldrop", "regex": "uid"}] == endpoint["metricRelabelings"]
    assert ("15s", "10s") == (endpoint["interval"], endpoint["scrapeTimeout"])


def test_google_adds_no_labels_of_the_target(rendered: dict[str, list[Object]]) -> None:
    """There is no honorLabels there (GoogleCloudPlatform/prometheus-engine #1002)."""
    spec = one(rendered["google-managed"], "ClusterPodMonitoring")["spec"]

    assert {"metadata": []} == spec["targetLabels"]
    assert [("metrics", "60s", "20s")] == [(e["port"], e["interval"], e["timeout"]) for e in spec["endpoints"]]


def test_annotations_name_the_port_and_the_path(rendered: dict[str, list[Object]]) -> None:
    """For Prometheus without an operator."""
    annotations = one(rendered["annotations"], "DaemonSet")["spec"]["template"]["metadata"]["annotations"]

    assert {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "9999",
        "prometheus.io/path": "/m",
        "prometheus.io/scheme": "http",
    }.items() <= annotations.items()


@pytest.mark.parametrize(
    ("variant", "kind", "endpoints"),
    [("tls", "PodMonitor", "podMetricsEndpoints"), ("client-certificates", "ServiceMonitor", "endpoints")],
)
def test_a_monitor_speaks_https_where_the_web_config_does(
    rendered: dict[str, list[Object]], variant: str, kind: str, endpoints: str
) -> None:
    """With the authority that it is to trust."""
    (endpoint,) = one(rendered[variant], kind)["spec"][endpoints]

    assert "https" == endpoint["scheme"]
    assert {"secret": {"name": "podres-tls", "key": "ca.crt"}} == endpoint["tlsConfig"]["ca"]


@pytest.mark.parametrize("variant", ["default", "minimal"])
def test_no_operator_is_needed_unless_asked_for(rendered: dict[str, list[Object]], variant: str) -> None:
    """An unknown kind would fail the whole installation."""
    assert not OPERATOR_KINDS & set(kinds(rendered[variant]))


def rules_of(groups: list[Object]) -> dict[str, dict[str, Any]]:
    return {rule.get("alert") or rule["record"]: rule for group in groups for rule in group["rules"]}


def test_the_rules_in_the_chart_are_those_of_the_project(helm: Helm) -> None:
    """Expressions, templates in annotations and all."""
    own = [
        group
        for path in sorted((ROOT / "deploy" / "rules").glob("*.rules.yaml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    objects = helm.objects({"prometheusRule": {"enabled": True}})

    assert own
    assert own == one(objects, "PrometheusRule")["spec"]["groups"]


def test_rules_can_be_left_out_and_alerts_labelled(helm: Helm) -> None:
    """By name, and an alert's own labels stay."""
    all_of_them = rules_of(one(helm.objects({"prometheusRule": {"enabled": True}}), "PrometheusRule")["spec"]["groups"])
    alert = next(name for name, rule in all_of_them.items() if "alert" in rule)
    record = next(name for name, rule in all_of_them.items() if "record" in rule)
    wanted = {"enabled": True, "disabled": [alert, record], "alertLabels": {"team": "platform"}}
    rules = rules_of(one(helm.objects({"prometheusRule": wanted}), "PrometheusRule")["spec"]["groups"])

    assert all_of_them.keys() - {alert, record} == rules.keys()
    assert {
        name: {**all_of_them[name]["labels"], "team": "platform"}
        if "alert" in rule
        else all_of_them[name].get("labels")
        for name, rule in rules.items()
    } == {name: rule.get("labels") for name, rule in rules.items()}


def test_a_disabled_rule_of_the_example_exists(helm: Helm) -> None:
    """ci/kube-prometheus-stack-values.yaml shows how; it should not show a name that is not there."""
    values = yaml.safe_load((CHART / "ci/kube-prometheus-stack-values.yaml").read_text(encoding="utf-8"))
    objects = helm.objects({"prometheusRule": {"enabled": True}})

    assert (
        set(values["prometheusRule"]["disabled"]) <= rules_of(one(objects, "PrometheusRule")["spec"]["groups"]).keys()
    )


def test_every_dashboard_is_a_config_map_for_the_sidecar(rendered: dict[str, list[Object]]) -> None:
    """And none is made where there is none."""
    dashboards = sorted((CHART / "dashboards").glob("*.json"))
    maps = [each for each in rendered["kube-prometheus-stack"] if each["kind"] == "ConfigMap"]
    found = {name: json.loads(text) for each in maps for name, text in each["data"].items()}

    assert {path.name: json.loads(path.read_text(encoding="utf-8")) for path in dashboards} == found
    assert all("1" == each["metadata"]["labels"]["grafana_dashboard"] for each in maps)
    assert all("podres" == each["metadata"]["annotations"]["grafana_folder"] for each in maps)


@pytest.mark.parametrize("names", [(), ("podres_Node.json", "b.json")])
def test_dashboards_come_from_whatever_files_are_there(helm: Helm, tmp_path: Path, names: tuple[str, ...]) -> None:
    """An empty folder renders nothing; names become names of objects; braces in legends stay as they are."""
    chart = copy_of_chart(tmp_path)
    for name in names:
        (chart / "dashboards" / name).write_text('{"legendFormat": "{{node}}"}')
    text = helm.run("template", "x", str(chart), "--set=image.repository=x,dashboards.enabled=true").stdout
    maps = [each for each in yaml.safe_load_all(text) if each and each["kind"] == "ConfigMap"]

    assert sorted(names) == sorted(name for each in maps for name in each["data"])
    assert all('{"legendFormat": "{{node}}"}' == each["data"][name].strip() for each in maps for name in each["data"])
    assert all(re.fullmatch("[a-z0-9.-]+", each["metadata"]["name"]) for each in maps)


def copy_of_chart(directory: Path) -> Path:
    """Return a copy of the chart without dashboards."""
    chart = directory / "chart"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("dashboards"))
    (chart / "dashboards").mkdir()
    return chart


def test_every_kind_that_may_be_made_is_made_by_some_variant(rendered: dict[str, list[Object]]) -> None:
    """Otherwise its template would not be tested."""
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*.yaml"))
    made = {kind for variant in VARIANTS for kind in kinds(rendered[variant])}
    possible = set(re.findall(r"^kind: (\w+)$", templates, re.MULTILINE))

    assert possible - ({"ConfigMap"} if not (CHART / "dashboards").exists() else set()) == made


def test_an_alert_takes_a_threshold_a_time_and_a_severity(helm: Helm, rendered: dict[str, list[Object]]) -> None:
    """Each alone, the rest as it was; runbooks are where the value says."""
    own = rules_of(one(helm.objects({"prometheusRule": {"enabled": True}}), "PrometheusRule")["spec"]["groups"])
    rules = rules_of(one(rendered["grafana-operator"], "PrometheusRule")["spec"]["groups"])
    before, after = own["PodresKubeletRpcFailing"], rules["PodresKubeletRpcFailing"]

    assert ("20m", before["labels"]) == (after["for"], after["labels"])
    assert f"{before['expr'].rstrip().rpartition(' ')[0]} 0.25" == after["expr"].rstrip()
    assert "critical" == rules["PodresMetadataNotSynced"]["labels"]["severity"]
    assert own["PodresMetadataNotSynced"]["for"] == rules["PodresMetadataNotSynced"]["for"]
    assert "https://runbooks.example.com/podres#podreskubeletrpcfailing" == after["annotations"]["runbook_url"]


def test_without_an_address_there_is_no_link_to_a_runbook(helm: Helm) -> None:
    """A dead link in every page would be worse; the steps are in the annotation `runbook`."""
    objects = helm.objects({"prometheusRule": {"enabled": True, "runbookUrl": ""}})
    rules = rules_of(one(objects, "PrometheusRule")["spec"]["groups"])

    assert not [name for name, rule in rules.items() if "runbook_url" in rule.get("annotations", {})]
    assert all(rule["annotations"]["runbook"] for rule in rules.values() if "alert" in rule)


def test_grafana_operator_gets_every_dashboard_from_its_config_map(rendered: dict[str, list[Object]]) -> None:
    """Without the sidecar's label, so that a sidecar does not load it a second time."""
    objects = rendered["grafana-operator"]
    maps = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ConfigMap"}
    boards = [each for each in objects if each["kind"] == "GrafanaDashboard"]

    assert maps.keys() == {each["spec"]["configMapRef"]["name"] for each in boards}
    assert all(each["spec"]["configMapRef"]["key"] in maps[each["metadata"]["name"]]["data"] for each in boards)
    assert not [name for name, each in maps.items() if "grafana_dashboard" in each["metadata"]["labels"]]


def test_with_several_clusters_every_board_begins_with_one_and_shows_which(rendered: dict[str, list[Object]]) -> None:
    """Otherwise a dashboard would add up clusters without showing it; nothing else of it changes."""
    maps = [each for each in rendered["grafana-operator"] if each["kind"] == "ConfigMap"]
    for name, text in [item for each in maps for item in each["data"].items()]:
        board, own = json.loads(text), json.loads((CHART / "dashboards" / name).read_text(encoding="utf-8"))
        (variable,) = [each for each in board["templating"]["list"] if each["name"] == "cluster"]

        assert (0, False) == (variable["hide"], variable["includeAll"])
        assert {**own, "templating": board["templating"]} == board


def test_limits_of_a_scrape_are_those_that_each_operator_knows(helm: Helm, rendered: dict[str, list[Object]]) -> None:
    """Nobody knows all of them."""
    limits = {
        "sampleLimit": 9,
        "targetLimit": 8,
        "labelLimit": 7,
        "labelNameLengthLimit": 6,
        "labelValueLengthLimit": 5,
    }

    def spec(name: str, kind: str) -> Object:
        found: Object = one(helm.objects({name: {"enabled": True}, "monitor": limits}), kind)["spec"]
        return found

    assert limits.items() <= spec("podMonitor", "PodMonitor").items()
    assert limits.items() <= spec("serviceMonitor", "ServiceMonitor").items()
    assert {"sampleLimit": 9} == {k: v for k, v in spec("vmPodScrape", "VMPodScrape").items() if "Limit" in k}
    assert {"samples": 9, "labels": 7, "labelNameLength": 6, "labelValueLength": 5} == spec(
        "clusterPodMonitoring", "ClusterPodMonitoring"
    )["limits"]
    assert not [name for name in one(rendered["openshift"], "PodMonitor")["spec"] if "Limit" in name]
