"""
The mounts and capabilities of the pod template, applied with kernel mounts instead of a container runtime.

The exporter runs as UID 0 without any capability and sees the kubelet's directory through a read-only bind mount, while
the simulated kubelet restarts outside. Skipped where mount namespaces are not permitted.
"""

import functools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from daemon_rig import Daemon
from node_rig import container, pod
from processes import eventually, get

from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.live import LiveNode

SCENARIO = """
node: node1
numa: [{node: 0, cpus: "0-7", memory: 16Gi}]
kubelet: {cpu_manager: {policy: static, reserved: "0"}}
"""
NAMESPACE = ["unshare", "--mount", "--propagation=private"]
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
NO_CAPABILITY = "0" * 16
UP = 'podres_source_up{source="kubelet"}'

Run = Callable[..., Daemon]


def is_permitted() -> str:
    """Return why this machine cannot play it, empty where it can."""
    if os.geteuid() != 0:
        return "only root can mount and give its capabilities away"
    missing = [tool for tool in ("unshare", "setpriv", "mount") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} of util-linux is missing"
    done = subprocess.run([*NAMESPACE, "mount", "--bind", "/tmp", "/tmp"], capture_output=True, text=True, check=False)  # noqa: S108
    return f"mounting is not permitted: {done.stderr.strip()}" if done.returncode else ""


pytestmark = pytest.mark.skipif(bool(is_permitted()), reason=is_permitted() or "never")


@pytest.fixture
def node(short_dir: Path) -> Iterator[LiveNode]:
    """Yield a node with a pod that holds two CPUs; its directory is as closed as a kubelet's."""
    with LiveNode(parse_scenario(SCENARIO, "test"), short_dir / "node", SystemClock()) as node:
        node.socket_path.parent.chmod(0o750)
        node.socket_path.chmod(0o755)
        node.create(pod("first", container("main", cpu="2")))
        yield node


@pytest.fixture
def run(node: LiveNode, short_dir: Path) -> Iterator[Run]:
    """Yield a function that runs the exporter with a source mounted read-only at a target, and its rights taken."""
    with ExitStack() as stack:

        def begin(source: Path, target: Path, *rights: str) -> Daemon:
            socket = target if target.suffix else target / "kubelet.sock"
            serve = [
                *(sys.executable, "-m", "podres_exporter", "serve", "--metadata.source=none"),
                *(f"--kubelet.socket={socket}", f"--topology.sysfs={node.sysfs}", "--kubelet.poll-interval=1s"),
                *("--kubelet.timeout=1s", "--snapshot.hold-down=0s", "--web.listen-address=127.0.0.1:0"),
            ]
            script = f"mount --bind {source} {target} && mount -o remount,bind,ro {target} && exec " + shlex.join(
                [*POWERLESS, *rights, *serve]
            )
            daemon = Daemon(short_dir, [*NAMESPACE, "sh", "-c", script], {**os.environ, "NODE_NAME": "node1"})
            stack.callback(daemon.dispose)
            return daemon

        yield begin


@pytest.fixture
def directory(short_dir: Path) -> Path:
    """Return where the kubelet's directory is mounted."""
    target = short_dir / "mounted"
    target.mkdir()
    return target


def page(daemon: Daemon) -> str:
    return get(f"http://127.0.0.1:{daemon.port()}/metrics")[1]


def seen(daemon: Daemon, text: str) -> str | None:
    """Return the page once it has the text."""
    found = page(daemon)
    return found if text in found else None


def cpus_of(name: str) -> str:
    return f'podres_container_exclusive_cpus{{node="node1",namespace="default",pod="{name}"'


def test_uid_0_without_capabilities_reads_through_a_read_only_directory(
    node: LiveNode, run: Run, directory: Path
) -> None:
    """And through the same mount after the kubelet has recreated its socket."""
    daemon = run(node.socket_path.parent, directory)
    eventually(functools.partial(seen, daemon, cpus_of("first")))
    inode = node.socket_path.stat().st_ino
    node.restart_kubelet()
    node.socket_path.chmod(0o755)
    node.create(pod("second", container("main", cpu="2")))
    after = eventually(functools.partial(seen, daemon, cpus_of("second")))

    assert (NO_CAPABILITY, NO_CAPABILITY, "1") == (
        daemon.status("CapEff"),
        daemon.status("CapBnd"),
        daemon.status("NoNewPrivs"),
    )
    assert "0\t0\t0\t0" == daemon.status("Uid")
    assert inode != node.socket_path.stat().st_ino
    assert cpus_of("first") in after
    assert f"{UP} 1" in after
    assert 0 == daemon.end()


def test_the_mount_lets_nobody_write(node: LiveNode, directory: Path) -> None:
    """Not even with every capability."""
    script = (
        f"mount --bind {node.socket_path.parent} {directory} && mount -o remount,bind,ro {directory} && "
        f"touch {directory}/file"
    )
    done = subprocess.run([*NAMESPACE, "sh", "-c", script], capture_output=True, text=True, check=False)

    assert "Read-only file system" in done.stderr
    assert not (node.socket_path.parent / "file").exists()


def test_a_mounted_socket_stays_the_dead_one(node: LiveNode, run: Run, short_dir: Path) -> None:
    """Why the chart mounts the directory (kubernetes/website #42339)."""
    target = short_dir / "mounted.sock"
    target.touch()
    daemon = run(node.socket_path, target)
    eventually(functools.partial(seen, daemon, cpus_of("first")))
    node.restart_kubelet()
    node.create(pod("second", container("main", cpu="2")))
    down = eventually(functools.partial(seen, daemon, f"{UP} 0"))

    assert cpus_of("second") not in down
    assert "unavailable" in daemon.log


def test_any_other_user_is_refused(node: LiveNode, run: Run, directory: Path) -> None:
    """Connecting needs the socket's write bit, which its owner alone has; without any right to pass over it."""
    node.socket_path.parent.chmod(0o755)
    daemon = run(node.socket_path.parent, directory, "--reuid=65534", "--regid=65534", "--clear-groups")
    down = eventually(functools.partial(seen, daemon, f"{UP} 0"))
    eventually(lambda: "denied" in daemon.log or None)

    assert cpus_of("first") not in down
