"""The committed manifests equal those of `make manifests`, and `kubectl apply -k` accepts them."""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helm_rig import ROOT, Helm, Object, documents, find_helm, kinds, one
from kube_schemas import VERSIONS, problems
from kubectl_rig import Kubectl

MANIFESTS = ROOT / "deploy" / "manifests"
SETS = ("default", "minimal", "podsapi")


def kustomized(name: str, directory: Path) -> list[Object]:
    """Return what `kubectl apply -k` would send."""
    return documents(Kubectl(directory)("kustomize", str(MANIFESTS / name)))


def differences(left: Path, right: Path) -> list[str]:
    """Return the names of the files that are not the same in both folders."""
    compared = filecmp.dircmp(left, right)
    found = [*compared.left_only, *compared.right_only, *compared.diff_files, *compared.funny_files]
    return found + [each for name in compared.common_dirs for each in differences(left / name, right / name)]


def test_what_is_made_is_what_is_committed(tmp_path: Path) -> None:
    """Copies of rules and dashboards, the table of the values, the manifests; run `make manifests` where this fails."""
    for folder in ("deploy", "grafana"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "generate.py"), str(tmp_path)],
        check=True,
        env={**os.environ, "PODRES_HELM": find_helm()},
    )

    assert [] == differences(ROOT / "deploy", tmp_path / "deploy")


@pytest.mark.parametrize("name", SETS)
def test_kustomize_makes_what_the_chart_makes_in_a_namespace_that_lets_it_in(
    rendered: dict[str, list[Object]], name: str, tmp_path: Path
) -> None:
    """But for what speaks of Helm."""

    def bare(item: Object) -> Object:
        labels = {k: v for k, v in item["metadata"]["labels"].items() if "helm" not in k and "managed-by" not in k}
        return {**item, "metadata": {**item["metadata"], "labels": labels}}

    objects = kustomized(name, tmp_path)
    namespace = one(objects, "Namespace")
    expected = {each["kind"]: bare(each) for each in rendered[name] if each["kind"] != "Pod"}

    assert "privileged" == namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert expected == {each["kind"]: each for each in objects if each is not namespace}


@pytest.mark.parametrize("name", SETS)
def test_every_release_from_1_30_to_1_37_takes_the_manifests(name: str, tmp_path: Path) -> None:
    """As strictly as the chart's."""
    objects = kustomized(name, tmp_path)

    assert [] == [problem for version in VERSIONS for item in objects for problem in problems(item, version)]


def test_the_minimal_ones_ask_nothing_of_the_api_server(tmp_path: Path) -> None:
    """No account, no right, no token."""
    objects = kustomized("minimal", tmp_path)

    assert ["DaemonSet", "Namespace"] == kinds(objects)
    assert one(objects, "DaemonSet")["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_manifests_have_nothing_of_helms(helm: Helm) -> None:
    """Labels that say managed-by Helm would mislead who looks for the release."""
    texts = [path.read_text(encoding="utf-8") for path in MANIFESTS.rglob("*.yaml")]

    assert "helm.sh/chart" in helm.template("default")
    assert not [text for text in texts if "helm" in text.lower()]
