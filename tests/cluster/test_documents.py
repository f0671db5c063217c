"""The list document of a cluster: complete nodes, and failed ones."""

import json

import yaml
from cluster_rig import NOW, busy, told

from podres_exporter.cluster.documents import Shown, dump_document, json_of, yaml_of
from podres_exporter.cluster.outcome import Trouble
from podres_exporter.document import decode
from podres_exporter.errors import Reason

TROUBLE = Trouble("n2", "monitoring/b", Reason.TIMEOUT, "asleep")


def test_a_list_stays_a_list_however_few_nodes_there_are() -> None:
    """A script that reads .items must not break where only one node answers."""
    document = dump_document([], [])

    assert {"apiVersion": "podres/v1", "kind": "PodResourcesSnapshotList", "items": [], "failed": []} == document


def test_each_node_has_its_own_time_and_version_and_can_be_read_back() -> None:
    nodes = [told("n1"), told("n2", version="1.1.0", at=NOW + 60)]
    items = dump_document([Shown(each, each.snapshot) for each in nodes], [])["items"]

    assert ["1.0.0", "1.1.0"] == [each["exporter"]["version"] for each in items]
    assert ["2026-09-21T14:13:20Z", "2026-09-21T14:14:20Z"] == [each["generatedAt"] for each in items]
    assert [busy("n1"), busy("n2")] == [decode(each) for each in items]


def test_nodes_that_failed_stand_in_the_document() -> None:
    expected = {"node": "n2", "pod": "monitoring/b", "reason": "timeout", "message": "asleep"}

    assert [expected] == dump_document([], [TROUBLE])["failed"]


def test_json_and_yaml_say_the_same() -> None:
    document = dump_document([Shown(told("n1"), busy("n1"))], [TROUBLE])

    assert document == json.loads(json_of(document))
    assert document == yaml.safe_load(yaml_of(document))
    assert json_of(document).endswith("}\n")
    assert yaml_of(document).startswith("apiVersion: podres/v1\nkind: ")
