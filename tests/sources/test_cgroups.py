"""CPUs of containers in cgroup trees of both versions, and of every driver and runtime."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Unread
from podres_exporter.sources.cgroups import RETRY_READS, CgroupCpusets

ID, OTHER = "c0ffee" + "0" * 58, "decade" + "1" * 58
UID = "6f1c2b0e-9d5a-4c1e-8a51-5d6f6a3a2f10"
SLICE = f"kubepods-pod{UID.replace('-', '_')}.slice"

FOLDERS = {
    "systemd, containerd": f"kubepods.slice/{SLICE}/cri-containerd-{ID}.scope",
    "systemd, CRI-O": f"kubepods.slice/{SLICE}/crio-{ID}.scope",
    "systemd, docker": f"kubepods.slice/{SLICE}/docker-{ID}.scope",
    "systemd, burstable": f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/crio-{ID}.scope",
    "cgroupfs, containerd": f"kubepods/pod{UID}/{ID}",
    "cgroupfs, CRI-O": f"kubepods/pod{UID}/crio-{ID}",
    "two drivers": f"system.slice/containerd.service/{SLICE}:cri-containerd:{ID}",
    "kind": f"kubelet.slice/kubelet-kubepods.slice/kubelet-{SLICE}/cri-containerd-{ID}.scope",
    "kind, cgroupfs": f"kubelet/kubepods/pod{UID}/{ID}",
    "static pod": f"kubepods.slice/kubepods-pod5d41402abc4b2a76b9719d911017c592.slice/cri-containerd-{ID}.scope",
}


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """Return the root of a tree of version 2 without containers."""
    put(tmp_path, "cgroup.controllers", "cpuset cpu memory\n")
    put(tmp_path / "system.slice/sshd.service", "cpuset.cpus.effective", "0-7\n")
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_a_container_is_found_in_the_folders_of_every_driver_v2(v2: Path, folder: str) -> None:
    """A tree has only the ID for certain."""
    put(v2 / folder, "cpuset.cpus.effective", "2-3,6\n")

    assert {ID: frozenset({2, 3, 6})} == CgroupCpusets(v2).read([ID])


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_a_container_is_found_in_the_folders_of_every_driver_v1(tmp_path: Path, folder: str) -> None:
    """The tree of the controller cpuset; the kernel's word goes before what was written."""
    put(tmp_path / "cpuset" / folder, "cpuset.cpus", "2-5\n")
    put(tmp_path / "cpuset" / folder, "cpuset.effective_cpus", "2-3\n")
    put(tmp_path / "memory" / folder, "cpuset.cpus", "7\n")

    assert {ID: frozenset({2, 3})} == CgroupCpusets(tmp_path).read([ID])


def test_old_kernels_of_version_1_have_one_file(tmp_path: Path) -> None:
    """`cpuset.effective_cpus` came with Linux 3.17."""
    put(tmp_path / "cpuset" / FOLDERS["cgroupfs, containerd"], "cpuset.cpus", "1\n")

    assert {ID: frozenset({1})} == CgroupCpusets(tmp_path).read([ID])


def test_the_monitor_of_a_container_is_not_the_container(v2: Path) -> None:
    """CRI-O's conmon has the same ID and runs on other CPUs."""
    put(v2 / f"kubepods.slice/{SLICE}/crio-conmon-{ID}.scope", "cpuset.cpus.effective", "0-7\n")

    assert {ID: Unread.NOT_FOUND} == CgroupCpusets(v2).read([ID])


def test_each_container_has_an_answer_of_its_own(v2: Path) -> None:
    """What cannot be read of one says nothing of another."""
    put(v2 / FOLDERS["systemd, CRI-O"], "cpuset.cpus.effective", "2\n")
    put(v2 / f"kubepods/podx/{OTHER}", "cpu.max", "max\n")

    assert {ID: frozenset({2}), OTHER: Unread.NO_CPUSET, "gone": Unread.NOT_FOUND} == CgroupCpusets(v2).read(
        [ID, OTHER, "gone"]
    )


@pytest.mark.parametrize(("text", "expected"), [("two\n", Unread.MALFORMED), ("\n", Unread.NO_CPUSET)])
def test_a_file_that_states_no_cpus_is_not_taken_for_none(v2: Path, text: str, expected: Unread) -> None:
    """An empty set would be a container that may run nowhere."""
    put(v2 / FOLDERS["systemd, CRI-O"], "cpuset.cpus.effective", text)

    assert {ID: expected} == CgroupCpusets(v2).read([ID])


def test_a_tree_that_is_none_is_said(tmp_path: Path) -> None:
    """A wrong --cgroup.root."""
    assert {ID: Unread.NOT_FOUND} == CgroupCpusets(tmp_path / "nowhere").read([ID])


def test_changes_of_a_known_container_are_read(v2: Path) -> None:
    """Its folder is known; what is in it is not remembered. A folder that goes is said, and another is searched for."""
    folder = put(v2 / FOLDERS["systemd, CRI-O"], "cpuset.cpus.effective", "2\n")
    cpusets = CgroupCpusets(v2)

    assert {ID: frozenset({2})} == cpusets.read([ID])
    put(folder, "cpuset.cpus.effective", "4-5\n")
    assert {ID: frozenset({4, 5})} == cpusets.read([ID])
    (folder / "cpuset.cpus.effective").unlink()
    folder.rmdir()
    assert {ID: Unread.NOT_FOUND} == cpusets.read([ID])
    put(v2 / FOLDERS["cgroupfs, CRI-O"], "cpuset.cpus.effective", "6\n")
    assert {ID: frozenset({6})} == cpusets.read([ID])


def test_a_container_that_was_not_found_is_searched_for_now_and_then(v2: Path) -> None:
    """The tree is not searched at each poll for what it lacks; a new container is searched for at once."""
    cpusets = CgroupCpusets(v2)
    cpusets.read([ID])
    put(v2 / FOLDERS["systemd, CRI-O"], "cpuset.cpus.effective", "2\n")
    put(v2 / f"kubepods/podx/{OTHER}", "cpuset.cpus.effective", "3\n")

    assert {ID: Unread.NOT_FOUND, OTHER: frozenset({3})} == cpusets.read([ID, OTHER])
    assert frozenset({2}) in [cpusets.read([ID])[ID] for _ in range(RETRY_READS)]


def test_a_folder_that_may_not_be_read_is_named(v2: Path) -> None:
    """Root reads everything, so this needs another user."""
    if os.geteuid() == 0:
        pytest.skip("root may read every folder")
    folder = put(v2 / FOLDERS["systemd, CRI-O"], "cpuset.cpus.effective", "2\n")
    (folder / "cpuset.cpus.effective").chmod(0)

    assert {ID: Unread.DENIED} == CgroupCpusets(v2).read([ID])


def mounted() -> dict[str, Path]:
    """Return where this machine has cgroups, by version: a hybrid one has both, but each controller in one of them."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    v2 = [Path(each[1]) for each in mounts if each[2] == "cgroup2"]
    v1 = [Path(each[1]).parent for each in mounts if each[2] == "cgroup" and Path(each[1]).name == "cpuset"]
    return {name: found[0] for name, found in (("version 1", v1), ("version 2", v2)) if found}


@pytest.fixture(params=["version 1", "version 2"])
def real(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Path]]:
    """
    Yield the root of this machine's cgroups, and a container's folder there, pinned to the lowest CPU.

    There is one tree of version 2, so a mount of its own would show no other controllers than the one that is there.
    """
    root = mounted().get(request.param)
    if root is None:
        pytest.skip(f"no cpuset of cgroup {request.param} is mounted on this machine")
    is_v2 = request.param == "version 2"
    if is_v2 and "cpuset" not in (root / "cgroup.controllers").read_text(encoding="ascii").split():
        pytest.skip("cgroup version 2 has no cpuset here: the kernel has given that controller to version 1")
    top = (root if is_v2 else root / "cpuset") / f"podres-test-{os.getpid()}"
    folders = [top, top / "kubepods", top / "kubepods" / f"pod{UID}", top / "kubepods" / f"pod{UID}" / ID]
    try:
        for folder in folders:
            if is_v2:
                (folder.parent / "cgroup.subtree_control").write_text("+cpuset")
            folder.mkdir()
            if not is_v2:
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (folder / name).write_text((folder.parent / name).read_text())
        cpus = top / ("cpuset.cpus.effective" if is_v2 else "cpuset.cpus")
        (folders[-1] / "cpuset.cpus").write_text(str(min(parse_cpuset(cpus.read_text()))))
    except OSError as error:
        _remove(folders)
        pytest.skip(f"no cpuset of cgroup {request.param} can be made here: {error.strerror}")
    yield root, folders[-1]
    _remove(folders)


def _remove(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def test_the_kernel_s_own_files_are_read(real: tuple[Path, Path]) -> None:
    """On the cgroups of this machine, of each version that has cpusets here."""
    root, folder = real
    expected = parse_cpuset((folder / "cpuset.cpus").read_text())
    cpusets = CgroupCpusets(root)

    assert len(expected) == 1
    assert {ID: expected} == cpusets.read([ID])
    folder.rmdir()
    assert {ID: Unread.NOT_FOUND} == cpusets.read([ID])
