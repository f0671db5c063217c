"""The release workflow: its commands exist, and address and version are the same everywhere."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_rig import ROOT, Helm, documents, exporter, one

from podres_exporter import __version__

DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ADDRESS = "https://github.com/podres-exporter/podres-exporter"
WORKFLOWS = tuple(sorted((ROOT / ".github" / "workflows").glob("*.yaml")))


def release(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Return how deploy/release.py of a checkout ended."""
    script = folder / "deploy" / "release.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with what a release looks at, as if this version had been released."""
    for name in (
        *("deploy/release.py", "deploy/Dockerfile", "deploy/chart/Chart.yaml", "deploy/chart/values.yaml"),
        *("podres_exporter/__init__.py", "CHANGELOG.md"),
    ):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    changes = tmp_path / "CHANGELOG.md"
    text = changes.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n## ")
    changes.write_text(f"{head}\n## {__version__} - 2026-12-24\n\n### Added\n- A thing.\n\n## {rest}", encoding="utf-8")
    return tmp_path


def test_a_tag_that_is_the_version_of_everything_is_taken(checkout: Path) -> None:
    """Image and charts are where the repository is; a registry wants small letters."""
    done = release("check", f"v{__version__}", "--repository", "ghcr.io/Some-Owner/Podres", folder=checkout)

    assert f"version={__version__}\nimage=ghcr.io/some-owner/podres\ncharts=ghcr.io/some-owner/charts\n" == done.stdout
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("podres_exporter/__init__.py", "podres_exporter/__init__.py has 9.9.9"),
        ("deploy/chart/Chart.yaml", "Chart.yaml, version has 9.9.9; Chart.yaml, appVersion has 9.9.9"),
        ("deploy/Dockerfile", "Dockerfile has 9.9.9"),
        ("CHANGELOG.md", "CHANGELOG.md, newest dated section has 9.9.9"),
    ],
)
def test_a_version_that_was_forgotten_stops_the_release(checkout: Path, file: str, said: str) -> None:
    """Before anything is published; a tag can be made again, a version on an index cannot."""
    path = checkout / file
    path.write_text(path.read_text(encoding="utf-8").replace(__version__, "9.9.9"), encoding="utf-8")
    done = release("check", f"v{__version__}", "--repository", "ghcr.io/a/b", folder=checkout)

    assert (1, "") == (done.returncode, done.stdout)
    assert f"the tag is v{__version__}, but {said}" in done.stderr


def test_the_notes_are_the_section_of_the_changelog_and_how_to_verify(checkout: Path) -> None:
    """And no other section."""
    more = ("--image=ghcr.io/a/b", "--charts=ghcr.io/a/charts", f"--digest={DIGEST}")
    done = release("notes", f"v{__version__}", *more, folder=checkout)

    assert done.stdout.startswith("### Added\n- A thing.\n\n### Get it\n")
    assert f"oci://ghcr.io/a/charts/podres-exporter --version {__version__}" in done.stdout
    assert f"cosign verify ghcr.io/a/b@{DIGEST}" in done.stdout
    assert (
        release("notes", "v0.0.7", *more, folder=checkout).stderr == "release.py: CHANGELOG.md has no section 0.0.7\n"
    )


def test_the_published_chart_names_its_image_by_digest_and_needs_no_value(helm: Helm, tmp_path: Path) -> None:
    """And its own addresses, wherever the repository is."""
    folder = tmp_path / "chart"
    address = "https://example.com/a/b"
    done = release(
        *("chart", str(folder), "--image=ghcr.io/a/b", f"--digest={DIGEST}", f"--address={address}", "--tag=v1.2.3")
    )
    assert 0 == done.returncode, done.stderr
    rendered = documents(helm.run("template", "x", str(folder), "--set=prometheusRule.enabled=true").stdout)
    (group, *_) = one(rendered, "PrometheusRule")["spec"]["groups"][-1:]

    assert f"ghcr.io/a/b@{DIGEST}" == exporter(rendered)["image"]
    assert group["rules"][0]["annotations"]["runbook_url"].startswith(
        f"{address}/blob/v1.2.3/deploy/rules/RUNBOOKS.md#"
    )
    assert ADDRESS not in (folder / "Chart.yaml").read_text(encoding="utf-8")
    assert 0 == helm.run("lint", "--strict", str(folder)).returncode


def test_every_place_gives_the_same_address() -> None:
    """One is where people look for the next version; a wrong one may belong to another project."""
    for name in ("pyproject.toml", "deploy/chart/Chart.yaml", "deploy/Dockerfile", "deploy/release.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        found = set(re.findall(r"https://github\.com/[\w-]+/podres[\w-]*", text))

        assert {ADDRESS} == found, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_hash_and_say_their_version(path: Path) -> None:
    """A tag can be moved to other code; the comment is for people and for dependabot."""
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))

    assert uses
    assert [] == [
        each
        for each in uses
        if not re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yaml", each)
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_has_the_rights_that_it_names_and_no_expression_in_its_shell(path: Path) -> None:
    """Whatever a tag or a branch is called, it reaches a shell as a variable and never as text."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = content["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]

    assert {} == content["permissions"]
    assert all("permissions" in job for job in jobs)
    assert not [script for script in scripts if "${{" in script]
    assert "pull_request_target" not in path.read_text(encoding="utf-8")


def test_nothing_is_published_from_a_pull_request() -> None:
    """Only a tag can write, and only to what its job is for."""
    ci, releases = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS)

    assert all({"contents": "read"} == job["permissions"] for job in ci["jobs"].values())
    assert {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+", "v[0-9]+.[0-9]+.[0-9]+rc[0-9]+"]}} == releases[True]


def test_every_supported_python_is_tested() -> None:
    """From the oldest that pyproject.toml names on, the image's among them."""
    ci = yaml.safe_load(WORKFLOWS[0].read_text(encoding="utf-8"))
    tested = ci["jobs"]["pythons"]["strategy"]["matrix"]["python"]
    oldest = re.search(r'requires-python = ">=(3\.\d+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    image = re.search(r"python:(3\.\d+)-slim", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))

    assert oldest
    assert image
    assert oldest[1] == tested[0]
    assert image[1] in tested
    assert ["3.11", "3.12", "3.13", "3.14"] == tested
