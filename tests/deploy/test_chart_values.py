"""values.yaml, its schema and its table: a value that does nothing is told to whoever gives it."""

import json
from typing import Any

import pytest
import yaml
from helm_rig import CHART, Helm, Object

from podres_exporter.families import COLLECTORS

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
        ({"metadata": {"source": "kubelet"}}, 'metadata.source must be one of the following: "apiserver", "none"'),
        ({"kubelet": {"pollInterval": 10}}, "kubelet.pollInterval: Invalid type. Expected: string, given: integer"),
        ({"kubelet": {"podResourcesDir": "/var/lib/kubelet/"}}, "kubelet.podResourcesDir: Does not match pattern"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, 'podLabels: Property name of "app.kubernetes.io/name"'),
        ({"web": {"port": 0}}, "web.port: Must be greater than or equal to 1"),
        ({"image": {"digest": "latest"}}, "image.digest: Does not match pattern"),
        ({"metadata": {"podLabelsAllowlist": ["pods=[app]"]}}, "metadata.podLabelsAllowlist.0: Does not match pattern"),
        (
            {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}},
            "every node would be scraped twice, so enable one",
        ),
        (
            {"webConfig": {"existingSecret": "a", "inline": {"rate_limit": {}}}},
            "webConfig.inline and webConfig.existingSecret are both set",
        ),
        ({"webConfig": {"certificateSecret": "a"}}, "webConfig.certificateSecret is mounted but nothing uses it"),
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
