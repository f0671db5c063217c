"""The blocks of deploy/docs/install.md work when they are given to the program they are for."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from helm_rig import ROOT, Helm, documents, exporter, find_helm, kinds, one
from kubectl_rig import Kubectl
from promql_rig import tool

from podres_exporter.cli.flags.commands import build_parser

DOCS = ROOT / "deploy" / "docs"
INSTALL = (DOCS / "install.md").read_text(encoding="utf-8")
OPENSHIFT = (DOCS / "openshift.md").read_text(encoding="utf-8")


def blocks(text: str, language: str, heading: str = "") -> list[str]:
    """Return the code blocks below a heading."""
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text
    return re.findall(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """Return the commands of a block, one a line; a backslash goes on with the next one."""
    return [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(Path(tmp_path_factory.mktemp("helm")))


@pytest.mark.parametrize("text", [INSTALL, OPENSHIFT], ids=["install", "openshift"])
def test_helm_takes_the_command_as_it_is_printed(helm: Helm, text: str) -> None:
    """From the checkout's top, as the page says; `helm template` renders what `helm install` would send."""
    (install,) = [
        words for block in blocks(text, "sh") for words in commands(block) if words[:2] == ["helm", "install"]
    ]
    done = subprocess.run(
        [find_helm(), "template", *install[2:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    objects = documents(done.stdout)

    assert 0 == done.returncode, done.stderr
    assert {"DaemonSet", "PodMonitor", "ClusterRole"} <= set(kinds(objects))
    assert exporter(objects)["image"].startswith("registry.example.com/podres-exporter:")
    assert ("SecurityContextConstraints" in kinds(objects)) == (text is OPENSHIFT)
    assert helm.command


def test_kustomize_takes_the_overlay_as_it_is_printed(tmp_path: Path) -> None:
    """In a folder beside those that are shipped."""
    (overlay,) = blocks(INSTALL, "yaml", "kustomize")
    manifests = tmp_path / "manifests"
    for name in ("default", "mine"):
        (manifests / name).mkdir(parents=True)
    for path in (ROOT / "deploy" / "manifests" / "default").iterdir():
        (manifests / "default" / path.name).write_bytes(path.read_bytes())
    (manifests / "mine" / "kustomization.yaml").write_text(overlay, encoding="utf-8")
    objects = documents(Kubectl(tmp_path)("kustomize", str(manifests / "mine")))

    assert "registry.example.com/podres-exporter:0.2.0" == exporter(objects)["image"]
    assert "podres" == one(objects, "Namespace")["metadata"]["name"]


def test_prometheus_takes_the_job_as_it_is_printed(tmp_path: Path) -> None:
    """Eight lines, and it keeps our labels."""
    (text,) = blocks(INSTALL, "yaml", "Prometheus without an operator")
    file = tmp_path / "prometheus.yml"
    # Debian's Prometheus is built without Kubernetes' service discovery; everything else of the job is checked.
    file.write_text(text.replace("kubernetes_sd_configs: [{role: pod}]", "static_configs: []"), encoding="utf-8")
    done = subprocess.run([tool("promtool"), "check", "config", file], capture_output=True, text=True, check=False)
    (job,) = yaml.safe_load(text)["scrape_configs"]

    assert 0 == done.returncode, done.stderr
    assert job["honor_labels"]
    assert len(text.splitlines()) <= 8


def test_flags_and_files_of_the_commands_exist() -> None:
    """What a page names is there, and nothing is installed by a name that is not ours."""
    text = INSTALL + OPENSHIFT
    files = set(re.findall(r"(?<![\w/])(?:deploy|grafana)/[\w./*-]+", text))

    assert files
    assert not [name for name in files - {"deploy/manifests/mine"} if not list(ROOT.glob(name.rstrip(".")))]
    for page in (ROOT / "README.md", *ROOT.glob("deploy/**/*.md"), *ROOT.glob(".github/*.md")):
        assert not re.search(r"pipx? install (-\S+ )*podres", page.read_text(encoding="utf-8")), page


def test_the_kubelets_reserved_memory_is_the_sum_that_it_demands() -> None:
    """Else it does not start: kube-reserved, system-reserved and the hard eviction limit (kubelet, memorymanager)."""
    (text,) = blocks(OPENSHIFT, "yaml", "Exclusive CPUs, memory and alignment")
    config = yaml.safe_load(text)["spec"]["kubeletConfig"]
    parts = [
        config["kubeReserved"]["memory"],
        config["systemReserved"]["memory"],
        config["evictionHard"]["memory.available"],
    ]
    reserved = [row["limits"]["memory"] for row in config["reservedMemory"]]

    assert sum(int(each.removesuffix("Mi")) for each in parts) == sum(int(each.removesuffix("Mi")) for each in reserved)


PLACES = (
    *(ROOT / "deploy" / "rules" / name for name in ("RUNBOOKS.md", "podres.rules.yaml")),
    *sorted((ROOT / ".github").rglob("*.*")),
    *(DOCS / name for name in ("install.md", "openshift.md")),
)
_WORD = r"--?[a-z][\w.-]*(?:=[\w.:]+)?|-|json|POD|NAMESPACE|FILE"
COMMAND = re.compile(rf"podres-exporter (check|dump|explain|serve)((?: (?:{_WORD})(?![\w-]))*)")


def test_commands_that_runbooks_forms_and_pages_name_are_taken_by_the_program() -> None:
    """Who is called at night types them; a flag that was renamed would be found out then."""
    found = {
        (path.name, verb, flags) for path in PLACES for verb, flags in COMMAND.findall(path.read_text(encoding="utf-8"))
    }
    wrong = [
        (*each, extras)
        for each in sorted(found)
        for extras in [build_parser().parse_known_args([each[1], *(each[2].split() or _least(each[1]))])[1]]
        if extras
    ]

    assert len(found) > 10
    assert [] == wrong
    assert ("bug.yaml", "dump", " --record - --hash-names") in found
    assert ("bug.yaml", "check", " -o json --hash-names") in found


def _least(verb: str) -> list[str]:
    """Return what the verb cannot do without."""
    return ["POD"] if verb == "explain" else []
