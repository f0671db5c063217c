# ruff: noqa: INP001, T201 - a script beside what it releases, no package; it prints for the workflow
"""
Commands of the release workflow: check the tag against all versions, print the release notes, stage the chart.

`check TAG` prints names for the workflow's outputs; `notes TAG` the text of the release; `chart FOLDER` writes a copy
of the chart that names the published image. Only the standard library, for it runs before anything is installed.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDRESS = "https://github.com/podres-exporter/podres-exporter"
"""Where the project says that it is, here as in pyproject.toml, Chart.yaml and the Dockerfile's labels."""


def main(argv: list[str] | None = None) -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    check = verbs.add_parser("check", help="fail unless the tag is the version of everything")
    check.add_argument("tag")
    check.add_argument("--repository", required=True, help="registry, owner and name, such as ghcr.io/owner/name")
    check.set_defaults(run=run_check)
    notes = verbs.add_parser("notes", help="print the text of the release")
    notes.add_argument("tag")
    notes.add_argument("--image", required=True)
    notes.add_argument("--charts", required=True)
    notes.add_argument("--digest", required=True)
    notes.set_defaults(run=run_notes)
    chart = verbs.add_parser("chart", help="write the chart to publish")
    chart.add_argument("folder", type=Path)
    chart.add_argument("--image", required=True)
    chart.add_argument("--digest", required=True)
    chart.add_argument("--address", required=True)
    chart.add_argument("--tag", required=True)
    chart.set_defaults(run=run_chart)
    arguments = parser.parse_args(argv)
    arguments.run(arguments)


def run_check(arguments: argparse.Namespace) -> None:
    """Print version, image and place of charts; ends the program where a version is another one."""
    version = arguments.tag.removeprefix("v")
    wrong = [f"{where} has {found}" for where, found in versions().items() if found != version]
    if wrong:
        sys.exit(f"release.py: the tag is {arguments.tag}, but {'; '.join(wrong)}")
    # Registries want lower case; owners may have capitals.
    repository = arguments.repository.lower()
    owner = repository.rpartition("/")[0]
    print(f"version={version}\nimage={repository}\ncharts={owner}/charts")


def versions() -> dict[str, str]:
    """Return the version that each file has."""
    return {
        "podres_exporter/__init__.py": _one(r'^__version__ = "(.*)"$', "podres_exporter/__init__.py"),
        "Chart.yaml, version": _one(r"^version: (.*)$", "deploy/chart/Chart.yaml"),
        "Chart.yaml, appVersion": _one(r'^appVersion: "(.*)"$', "deploy/chart/Chart.yaml"),
        "Dockerfile": _one(r"^ARG VERSION=(.*)$", "deploy/Dockerfile"),
        "CHANGELOG.md, newest dated section": _one(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", "CHANGELOG.md"),
    }


def _one(pattern: str, file: str) -> str:
    """Return what stands first where the pattern has its group."""
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "none"


def run_notes(arguments: argparse.Namespace) -> None:
    """Print the section of CHANGELOG.md, and how to get and verify what was published."""
    version = arguments.tag.removeprefix("v")
    changes = section(version)
    if not changes:
        sys.exit(f"release.py: CHANGELOG.md has no section {version}")
    print(changes)
    print(f"""
### Get it

```sh
helm install podres-exporter oci://{arguments.charts}/podres-exporter --version {version} -n podres --create-namespace
```

Image: `{arguments.image}@{arguments.digest}` (amd64, arm64), with SBOM and provenance. Who built it:

```sh
cosign verify {arguments.image}@{arguments.digest} \\
  --certificate-oidc-issuer https://token.actions.githubusercontent.com \\
  --certificate-identity-regexp '/\\.github/workflows/release\\.yaml@refs/tags/{arguments.tag}$'
```""")


def section(version: str) -> str:
    """Return what CHANGELOG.md says of a version, without its heading; empty where it says nothing."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(version)} - [^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def run_chart(arguments: argparse.Namespace) -> None:
    """Write a copy of the chart with the published image, by its digest, and with the addresses of this repository."""
    shutil.copytree(ROOT / "deploy" / "chart", arguments.folder)
    values = arguments.folder / "values.yaml"
    text = values.read_text(encoding="utf-8")
    for pattern, new in (
        (r'^(  repository: )""$', rf"\g<1>{arguments.image}"),
        (r"^(  # -- Image to run), required: .*$", r"\g<1>: the one that was built with this chart."),
        (r'^(  digest: )""$', rf"\g<1>{arguments.digest}"),
        (r"^(  runbookUrl: ).*$", rf"\g<1>{arguments.address}/blob/{arguments.tag}/deploy/rules/RUNBOOKS.md"),
    ):
        text, times = re.subn(pattern, new, text, count=2, flags=re.MULTILINE)
        if times != 1:
            sys.exit(f"release.py: values.yaml has {times} lines {pattern}")
    values.write_text(text, encoding="utf-8")
    chart = arguments.folder / "Chart.yaml"
    chart.write_text(chart.read_text(encoding="utf-8").replace(ADDRESS, arguments.address), encoding="utf-8")


if __name__ == "__main__":
    main()
