"""
The image built from deploy/Dockerfile and run with runc, with the security context of the chart.

Needs root, buildah, runc, and in PODRES_IMAGE_BASE a folder with a root file system that has Python (.ci/base-image).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from daemon_rig import Daemon
from helm_rig import ROOT, Helm, Object, exporter, one
from node_rig import container, pod
from processes import eventually, get

from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode

BASE = os.environ.get("PODRES_IMAGE_BASE", "")
TAG = "localhost/podres-exporter-test"
DIRECTORY = "/var/lib/kubelet/pod-resources"
MOST_MIB = 130

pytestmark = [
    pytest.mark.skipif(not BASE, reason="PODRES_IMAGE_BASE names no base; .ci/base-image makes one"),
    pytest.mark.timeout(900),  # the image is built in the first test's time
]

SCENARIO = """
node: node1
numa: [{node: 0, cpus: "0-7", memory: 16Gi}]
kubelet: {cpu_manager: {policy: static, reserved: "0"}}
resources: [{name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}]}]
"""


def buildah(store: Path, *arguments: str) -> str:
    """Return what buildah prints; its images are in a store of the tests'."""
    command = ["buildah", f"--root={store}/root", f"--runroot={store}/run", "--storage-driver=vfs", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert 0 == done.returncode, done.stderr + done.stdout
    return done.stdout.strip()


class Image:
    """A built image: its configuration, and its files in a folder."""

    def __init__(self, store: Path) -> None:
        base = buildah(store, "from", "scratch")
        buildah(store, "add", "--quiet", base, BASE, "/")
        buildah(store, "config", "--env=PIP_CERT=/etc/ssl/certs/ca-certificates.crt", base)
        buildah(store, "commit", "--quiet", base, "localhost/base")
        build = ["bud", "--isolation=chroot", "--pull-never", "--file=deploy/Dockerfile", f"--tag={TAG}"]
        buildah(store, *build, "--build-arg=PYTHON_IMAGE=localhost/base", "--build-arg=REVISION=abc", ".")
        self.config: dict[str, Any] = json.loads(buildah(store, "inspect", "--type=image", TAG))["OCIv1"]
        self.files = Path(buildah(store, "mount", buildah(store, "from", TAG)))

    def found(self) -> list[str]:
        """Return the path of every file."""
        return [str(path.relative_to(self.files)) for path in self.files.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    store = Path(tmp_path_factory.mktemp("store"))
    yield Image(store)
    buildah(store, "rm", "--all")
    shutil.rmtree(store, ignore_errors=True)


def test_nothing_is_there_but_the_program(image: Image) -> None:
    """No shell, no package manager, no pip, no bytecode that is never found."""
    files = image.found()
    names = {Path(path).name for path in files}
    size = sum((image.files / path).lstat().st_size for path in files) / 2**20

    assert not {"sh", "bash", "dash", "busybox", "apt", "dpkg", "perl", "pip", "pip3", "ldd"} & names
    assert not [path for path in files if path.endswith(".pyc") and not path.startswith("opt/podres/pycache/")]
    assert not [path for path in files if "ensurepip" in path or "/pip/" in path]
    assert size < MOST_MIB


def test_scanners_find_the_packages_of_its_libraries(image: Image) -> None:
    """As in distroless images; a scanner that sees no C library finds no fault in it."""
    found = {path.name: path.read_text(encoding="utf-8") for path in (image.files / "var/lib/dpkg/status.d").iterdir()}

    assert {"libc6", "zlib1g"} <= found.keys()
    assert any(name.startswith("libssl") for name in found)
    assert all(re.search(r"^Version: \S+$", text, re.MULTILINE) for text in found.values())


def test_its_configuration_says_how_to_run_it(image: Image) -> None:
    config = image.config["config"]

    assert ("0:0", ["podres-exporter"], ["serve"]) == (config["User"], config["Entrypoint"], config["Cmd"])
    assert "abc" == config["Labels"]["org.opencontainers.image.revision"]
    assert config["Labels"]["org.opencontainers.image.source"].startswith("https://")


def runtime_spec(image: Image, helm: Helm, arguments: list[str], socket_directory: Path) -> dict[str, Any]:
    """Return what runc is to run: what a container runtime makes of the chart's pod, in the host's network."""
    objects = helm.objects("minimal")
    security: Object = exporter(objects)["securityContext"]
    mount = next(each for each in exporter(objects)["volumeMounts"] if each["name"] == "pod-resources")
    assert one(objects, "DaemonSet")["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
    assert ["ALL"] == security["capabilities"]["drop"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]},
            "args": [*image.config["config"]["Entrypoint"], *arguments],
            "env": [*image.config["config"]["Env"], "NODE_NAME=node1"],
            "cwd": "/",
            "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")},
            "noNewPrivileges": not security["allowPrivilegeEscalation"],
        },
        "root": {"path": str(image.files), "readonly": security["readOnlyRootFilesystem"]},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/sys", "type": "none", "source": "/sys", "options": ["rbind", "ro"]},
            {
                "destination": mount["mountPath"],
                "type": "none",
                "source": str(socket_directory),
                "options": ["bind", "ro" if mount["readOnly"] else "rw"],
            },
        ],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
    }


@pytest.fixture
def node(short_dir: Path) -> Iterator[LiveNode]:
    with LiveNode(parse_scenario(SCENARIO, "test"), short_dir / "node", SystemClock()) as node:
        node.socket_path.parent.chmod(0o750)
        node.socket_path.chmod(0o755)
        node.store.create(PODS, pod("train", container("main", cpu="2", devices={"example.com/gpu": 1})))
        yield node


Run = Callable[..., Daemon]


@pytest.fixture
def run(image: Image, helm: Helm, node: LiveNode, short_dir: Path) -> Iterator[Run]:
    """Yield a function that runs the image with these arguments in a container."""
    # The socket's directory is only there to be mounted on, and buildah's folder of the image can be written.
    (image.files / DIRECTORY.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for name in ("proc", "sys"):
        (image.files / name).mkdir(exist_ok=True)
    with ExitStack() as stack:

        def begin(*arguments: str) -> Daemon:
            bundle = short_dir / f"bundle{len(arguments)}"
            bundle.mkdir()
            spec = runtime_spec(image, helm, list(arguments), node.socket_path.parent)
            (bundle / "config.json").write_text(json.dumps(spec), encoding="utf-8")
            name = f"podres-{os.getpid()}-{len(arguments)}"
            command = ["runc", f"--root={short_dir}/runc", "run", f"--bundle={bundle}", name]
            daemon = Daemon(short_dir, command, dict(os.environ))
            stack.callback(
                subprocess.run,
                ["runc", f"--root={short_dir}/runc", "delete", "--force", name],
                capture_output=True,
                check=False,
            )
            stack.callback(daemon.dispose)
            return daemon

        yield begin


def test_check_finds_nothing_wrong_in_the_pod(run: Run) -> None:
    """Socket, mount, permission and calls, seen from inside: UID 0 without a capability, on a read-only root."""
    daemon = run("check", "--metadata.source=none", "--warnings-ok")

    assert 0 == daemon.wait(), daemon.log
    assert f"the directory {DIRECTORY}, read-only, which is enough" in re.sub(r"\s+", " ", daemon.log)


def test_serve_serves_and_ends_when_it_is_told_to(run: Run) -> None:
    """The runtime hands SIGTERM on to the first process."""
    daemon = run("serve", "--metadata.source=none", "--web.listen-address=127.0.0.1:0", "--kubelet.poll-interval=1s")
    url = f"http://127.0.0.1:{daemon.port()}/metrics"
    held = 'podres_container_devices{node="node1",namespace="default",pod="train",container="main"'
    eventually(lambda: held in get(url)[1] or None)

    assert 0 == daemon.end()
