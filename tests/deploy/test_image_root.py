"""
The image's root file system, built by the script of the Dockerfile and run as in the image.

Needs the package index. The interpreter is this machine's, so that numbers differ a little from the image's.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from importlib.metadata import distributions
from pathlib import Path

import pytest
import trustme
from daemon_rig import Daemon
from helm_rig import ROOT, Object, pod_specs
from image_rig import Root, copied
from node_rig import container, pod
from processes import eventually
from tls_rig import Authority
from web_rig import CHEAP, ask, client, client_context, tls_folder, write_config

from podres_exporter import __version__
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import ApiServer, kubeconfig
from podres_exporter.sim.live import LiveNode

packaging = pytest.importorskip("packaging.requirements", reason="comes with pytest")


LEFT_OUT = {"aiohttp", "aiohttp-retry"}
"""What `kubernetes` asks for and nothing here imports; what these ask for is not looked at."""

MOST_MIB = 80
MOST_RESIDENT_MIB = 72
TOKEN = "a-token"  # noqa: S105 - a test's own

SCENARIO = """
node: node1
numa: [{node: 0, cpus: "0-7", memory: 16Gi}]
kubelet: {cpu_manager: {policy: static, reserved: "0"}}
resources: [{name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}]}]
"""

IMPORT_ALL = """
import importlib, pkgutil, podres_exporter
for module in pkgutil.walk_packages(podres_exporter.__path__, "podres_exporter."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name == "rich", error
            print("without", module.name)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Return the folder, built once from what the Dockerfile copies, and from nothing else."""
    sources, folder = Path(tmp_path_factory.mktemp("src")), Path(tmp_path_factory.mktemp("image")) / "podres"
    for name in copied():
        target = sources / name
        target.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, target)
    done = subprocess.run(
        [str(sources / "deploy" / "build-root.sh"), str(folder)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not os.environ.get("CI") and "No matching distribution" in done.stderr:
        pytest.skip("the package index is not reached")
    assert 0 == done.returncode, done.stderr
    return Root(folder)


@pytest.fixture
def node(short_dir: Path) -> Iterator[LiveNode]:
    """Yield a node with a pod that holds a GPU and two CPUs."""
    with LiveNode(parse_scenario(SCENARIO, "test"), short_dir / "node", SystemClock()) as node:
        node.create(pod("train", container("main", cpu="2", devices={"example.com/gpu": 1})))
        yield node


def test_it_is_small(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the 110 MB that pip would install, two thirds are the client's models and its asyncio version."""
    total = sum(path.lstat().st_size for path in root.files()) / 2**20
    bytecode = sum(path.lstat().st_size for path in root.files() if path.suffix == ".pyc") / 2**20
    with capsys.disabled():
        print(f"\nimage root: {total:.0f} MiB, {bytecode:.0f} MiB of it bytecode")  # noqa: T201 - for the log

    assert total < MOST_MIB
    assert not list(root.packages.glob("aiohttp*"))
    assert not list(root.packages.glob("pip*"))


def test_what_the_packages_ask_for_is_there(root: Root) -> None:
    """requirements.txt is installed without resolving dependencies, so they are checked here."""
    found = {each.name.lower().replace("_", "-"): each for each in distributions(path=[str(root.packages)])}
    asked = [packaging.Requirement(text) for each in found.values() for text in each.requires or ()]
    needed = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": "auth"})]
    missing = {
        each.name.lower()
        for each in needed
        if (name := each.name.lower().replace("_", "-")) not in found or found[name].version not in each.specifier
    }

    assert "bcrypt" in found
    assert LEFT_OUT == missing


def test_every_module_can_be_imported_without_docstrings_and_models(root: Root) -> None:
    """Nothing that was removed is needed, and -OO breaks nothing."""
    done = root.run("python", "-c", IMPORT_ALL)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "has"),
    [
        (["--version"], f"podres-exporter {__version__}"),
        (["--help"], "Shows which pod holds which device, exclusive CPU"),
        (["serve", "--help"], "path of the kubelet's pod-resources socket"),
        (["metrics"], "podres_container_devices"),
    ],
)
def test_commands_say_what_they_say_elsewhere(root: Root, arguments: list[str], has: str) -> None:
    """Help texts are no docstrings: -OO leaves them."""
    done = root.run("podres-exporter", *arguments, COLUMNS="200")

    assert (0, "") == (done.returncode, done.stderr)
    assert has in done.stdout


def test_serve_runs_on_bytecode_alone_and_writes_nothing(
    root: Root, node: LiveNode, short_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    With metadata over TLS by a token, and its own page over TLS behind a password.

    The interpreter names every source that it has to compile, because PYTHONVERBOSE is set.
    """
    before = root.files()
    authority, own = Authority(), trustme.CA()
    web = tls_folder(short_dir, own)
    write_config(
        short_dir,
        {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"}, "basic_auth_users": {"p": CHEAP}},
    )
    with ExitStack() as stack:
        api = ApiServer(node.store, SystemClock(), token=TOKEN, tls=authority.server_context())
        stack.enter_context(api)
        config = short_dir / "kubeconfig"
        config.write_text(kubeconfig(api.url, TOKEN, authority.pem))
        command = [
            str(root.folder / "bin" / "podres-exporter"),
            "serve",
            f"--kubelet.socket={node.socket_path}",
            f"--topology.sysfs={node.sysfs}",
            f"--metadata.kubeconfig={config}",
            f"--web.config.file={web}",
            "--web.listen-address=127.0.0.1:0",
            "--snapshot.hold-down=0s",
        ]
        environment = {**root.environment, "NODE_NAME": "node1", "PYTHONVERBOSE": "1"}
        daemon = Daemon(short_dir, command, environment)
        stack.callback(daemon.dispose)
        connection = stack.enter_context(client(daemon.port(), client_context(own)))
        refused, _ = ask(connection)
        word = f"Basic {base64.b64encode(b'p:secret').decode()}"

        def known() -> str | None:
            _, body = ask(connection, Authorization=word)
            return (
                text
                if 'podres_pod_info{node="node1",namespace="default",pod="train"' in (text := body.decode())
                else None
            )

        page = eventually(known)
        seconds, resident = daemon.seconds, daemon.resident_mib
        code = daemon.end()
    with capsys.disabled():
        print(f"\nserve: first page {seconds:.2f} s after the start, {resident:.1f} MiB resident")  # noqa: T201 - for the log

    assert HTTPStatus.UNAUTHORIZED == refused.status
    assert 'resource="example.com/gpu",device="GPU-0"' in page
    assert 0 == code
    assert [] == re.findall(r"# code object from '?([^'\n]*\.py)'?$", daemon.log, re.MULTILINE)
    assert "pycache" in daemon.log
    assert before == root.files()
    assert resident < MOST_RESIDENT_MIB


@pytest.mark.parametrize(("listens", "code"), [(True, 0), (False, 1)])
def test_the_pod_of_helm_test_ends_as_the_check_does(
    root: Root, node: LiveNode, rendered: dict[str, list[Object]], listens: bool, code: int
) -> None:
    """Warnings alone fail no test; a kubelet that does not answer does, and its remedy is in the log."""
    check = pod_specs(rendered["minimal"])[1]["containers"][0]
    socket = node.socket_path if listens else node.socket_path.with_name("missing.sock")
    own = [f"--kubelet.socket={socket}", f"--topology.sysfs={node.sysfs}"]
    done = subprocess.run(
        [str(root.folder / "bin" / "podres-exporter"), *check["args"], *own],
        env={**root.environment, "NODE_NAME": "node1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert code == done.returncode, done.stdout + done.stderr
    assert str(socket) in done.stdout
