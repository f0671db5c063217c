"""Parsing /proc/self/mountinfo: the mount that contains a file."""

import pytest

from podres_exporter.check.mounts import Mount, mount_of

PATH = "/var/lib/kubelet/pod-resources/kubelet.sock"
ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard"


def line(point: str, options: str = "rw", root: str = "/x", tags: str = "", file_system: str = "ext4") -> str:
    """Return a line; *tags* are the optional fields, of which there may be none or several."""
    return f"30 27 254:0 {root} {point} {options},relatime {f'{tags} ' if tags else ''}- {file_system} /dev/vda rw"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ROOT], Mount("/", "/", is_read_only=False, file_system="ext4")),
        ([ROOT, line("/var/lib")], Mount("/var/lib", "/x", is_read_only=False, file_system="ext4")),
        ([line("/var/lib"), ROOT], Mount("/var/lib", "/x", is_read_only=False, file_system="ext4")),
        ([ROOT, line("/var/lib/kubelet/pod-res")], Mount("/", "/", is_read_only=False, file_system="ext4")),
        ([ROOT, line(PATH + "/below")], Mount("/", "/", is_read_only=False, file_system="ext4")),
        ([ROOT, line(PATH)], Mount(PATH, "/x", is_read_only=False, file_system="ext4")),
        (
            [line("/var", "ro", tags="shared:1 master:2", file_system="xfs")],
            Mount("/var", "/x", is_read_only=True, file_system="xfs"),
        ),
        ([line("/var", root="/old"), line("/var")], Mount("/var", "/x", is_read_only=False, file_system="ext4")),
    ],
    ids=["root", "nested", "order", "sibling", "below", "file", "tags", "on top of each other"],
)
def test_the_nearest_mount_above_the_file_counts(lines: list[str], expected: Mount) -> None:
    """A name that merely begins alike is no directory above; of two on one point the last is seen."""
    assert expected == mount_of(PATH, "\n".join(lines))


def test_escapes_of_the_kernel_are_undone() -> None:
    r"""Spaces, tabs, line ends and backslashes are written as octal numbers."""
    mount = mount_of("/a b\\c/s", line(r"/a\040b\134c"))

    assert mount is not None
    assert "/a b\\c" == mount.point


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3 4 - ext4", "\n\n"])
def test_lines_that_are_none_are_left_out(text: str) -> None:
    """A kernel or container runtime that shows something else must not end the command."""
    assert mount_of(PATH, text) is None


@pytest.mark.parametrize(("root", "expected"), [("/x", False), ("/x//deleted", True), ("/deleted", False)])
def test_a_mount_of_an_unlinked_file_is_told_by_its_name(root: str, expected: bool) -> None:
    """Seen of a bind-mounted socket after its server has made another one."""
    mount = mount_of(PATH, line(PATH, root=root))

    assert mount is not None
    assert expected == mount.is_deleted
