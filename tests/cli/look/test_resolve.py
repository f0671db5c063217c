"""Unreadable files, and exporters without a snapshot."""

import base64
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from document_samples import everything
from look_rig import Command
from raw_server import RawServer, whole

from podres_exporter.document import encode as encode_snapshot
from podres_exporter.model import Metadata, Part, Snapshot, SourceHealth
from podres_exporter.recording import Recording
from podres_exporter.recording.file import encode


def document(snapshot: Snapshot) -> bytes:
    return json.dumps(encode_snapshot(snapshot, generated_at_seconds=1.7e9, version="0.1.0")).encode()


def recording(**changed: Any) -> bytes:
    return json.dumps({**encode(Recording("n1", "0.1.0", 1.0)), **changed}).encode()


WHOLE = everything()
HEALTHY = Snapshot(
    "n1",
    WHOLE.allocation,
    Metadata(synced=True, is_up=True),
    sources=tuple(SourceHealth(source, True, 1.0) for source in ("kubelet", "topology", "metadata")),
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "FILE is empty (line 1, column 1)"),
        (b" \n", "FILE is empty (line 2, column 1)"),
        (b"hello", "FILE is not JSON (line 1, column 1)"),
        (b"\xff\x80abc", "FILE is not JSON"),
        (b"[" * 100_000, "FILE is not JSON"),
        (recording()[:-1], "FILE is truncated: the JSON has no end (line 1, column "),
        (recording()[:40], "FILE is truncated: the JSON has no end (line 1, column "),
        (gzip.compress(recording(), mtime=0)[:-4], "FILE is truncated: the compressed data has no end; copy it again"),
        (gzip.compress(recording(), mtime=0)[:40] + b"x" * 40, "FILE is damaged: Error -3 while decompressing data"),
        (gzip.compress(bytes((64 << 20) + 1), 1, mtime=0), "FILE has more than 67108864 bytes; no node has that many"),
        (b"[]", "FILE: this is neither a recording (dump --record) nor a snapshot (dump -o json): document: is a list"),
        (b"{}", "FILE: this is neither a recording (dump --record) nor a snapshot (dump -o json): apiVersion: is miss"),
        (recording(node=None), "FILE: node: is missing"),
        (
            recording(apiVersion="podres-recording/v2"),
            (
                "FILE: apiVersion: is podres-recording/v2 and this release reads podres-recording/v1: "
                "written by a newer podres-exporter; upgrade this one"
            ),
        ),
        (
            document(WHOLE).replace(b"podres/v1", b"podres/v2"),
            "FILE: apiVersion: is podres/v2 and this release reads podres/v1",
        ),
        (document(WHOLE).replace(b'"2023-11-14T', b'"2023-11-99T', 1), "FILE: generatedAt: is not a valid time"),
        (
            recording(kubelet={"calls": [{"rpc": "List", "answer": "%"}]}),
            "FILE: kubelet.calls[0].answer: is not valid base64",
        ),
        (recording(), "FILE: the recorded kubelet did not list its pods: kubelet: unavailable: List: not in the rec"),
        (document(Snapshot("n1", None)), "FILE: nothing to show: the kubelet has not answered yet"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, run: Command, data: bytes, said: str) -> None:
    """One sentence with the file's name, and never a traceback."""
    file = tmp_path / "file"
    file.write_bytes(data)
    ran = run("dump", "--from", file)

    assert (1, "") == (ran.code, ran.out)
    assert ran.err.startswith(f"podres-exporter: {said.replace('FILE', str(file))}")
    assert 1 == len(ran.err.splitlines())


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, run: Command) -> None:
    """In the system's words."""
    assert "cannot be read: No such file or directory" in run("dump", "--from", tmp_path / "x").err
    assert "cannot be read: Is a directory" in run("dump", "--from", tmp_path).err


def test_a_snapshot_may_come_through_a_pipe(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kubectl exec ... dump -o json | podres-exporter dump --from -`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(document(HEALTHY))))
    ran = run("dump", "--from", "-", "-o", "csv")

    assert (0, "") == (ran.code, ran.err)


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (HEALTHY, ""),
        (Snapshot("n1", WHOLE.allocation), ""),
        (Snapshot("n1", WHOLE.allocation, Metadata()), "without metadata: labels, owners and phases are missing"),
        (Snapshot("n1", WHOLE.allocation, Metadata(is_up=True)), "metadata may be incomplete"),
        (
            Snapshot("n1", WHOLE.allocation, sources=(SourceHealth("topology", False, None),)),
            "the NUMA nodes of CPUs are not known: see the exporter's log; see --topology.sysfs",
        ),
        (
            Snapshot("n1", WHOLE.allocation, parts=(Part("pods", stale=True, held=False),)),
            "this is the kubelet's last good answer: it is not answering now, or has just restarted",
        ),
    ],
    ids=["whole", "no metadata by choice", "no API server", "not synced", "no topology", "stale"],
)
@pytest.mark.parametrize("way", ["--from", "--url"])
def test_what_an_exporter_could_not_know_is_said(
    tmp_path: Path, run: Command, way: str, snapshot: Snapshot, said: str
) -> None:
    """Exit code 3 and a sentence; a choice is no shortfall."""
    (tmp_path / "file").write_bytes(document(snapshot))
    with RawServer(whole(document(snapshot))) as server:
        ran = run("dump", way, tmp_path / "file" if way == "--from" else server.url)

    assert (3 if said else 0) == ran.code
    assert said in ran.err
    assert bool(said) == ("podres-exporter: " in ran.err)
    assert "" != ran.out


def test_an_exporter_without_an_allocation_is_a_failure(run: Command) -> None:
    """Unavailable is never empty."""
    with RawServer(whole(document(Snapshot("n1", None)))) as server:
        ran = run("dump", "--url", server.url)

    assert (1, "") == (ran.code, ran.out)
    assert f"{server.url}/api/v1/snapshot: nothing to show" in ran.err


def test_an_exporter_that_refuses_us_is_a_failure_with_a_remedy(run: Command) -> None:
    """The sentence is the client's."""
    with RawServer(whole(b"", "401 Unauthorized")) as server:
        ran = run("explain", "p", "--url", server.url)

    assert 1 == ran.code
    assert "it requires a user and a password: http://USER@HOST:10190 and --password-file FILE" in ran.err


@pytest.mark.parametrize("content", [b"p:\xc3\xa4 ss\n", b"p:\xc3\xa4 ss\r\nsecond line", b"p:\xc3\xa4 ss"])
def test_a_password_comes_from_a_file_and_not_from_the_command_line(
    run: Command, tmp_path: Path, content: bytes
) -> None:
    """Every user of the machine can read what a process was started with."""
    (tmp_path / "password").write_bytes(content)
    with RawServer(whole(document(HEALTHY))) as server:
        ran = run("dump", "--url", server.url.replace("://", "://me@"), "--password-file", tmp_path / "password")
        (head,) = server.heads

    assert 0 == ran.code
    assert f"Authorization: Basic {base64.b64encode('me:p:ä ss'.encode()).decode()}" in head.decode().splitlines()


def test_a_password_that_cannot_be_had_is_named_before_anything_is_asked(run: Command, tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_bytes(b"\nlater\n")
    binary.write_bytes(b"\xff\n")
    url, flag = ("--url", "http://me@127.0.0.1:1"), "--password-file"

    (missing,) = run.faults("dump", *url, flag, "/nowhere")

    assert f"{flag}: '/nowhere' cannot be read: No such file or directory" == missing
    assert [f"{flag}: '{binary}' cannot be read: no UTF-8"] == run.faults("dump", *url, flag, binary)
    assert [f"{flag}: the first line of '{empty}' is empty; write the password there"] == run.faults(
        "dump", *url, flag, empty
    )
    for given in ("http://127.0.0.1:1", "http://me:secret@127.0.0.1:1"):
        (fault,) = run.faults("fit", "--cpus=1", "--url", given, flag, empty)
        assert f"{flag}: --url must have a user and no password: http://USER@HOST:10190" == fault
    assert [f"{flag}: needs a user in the URL, as in --url http://USER@HOST:10190"] == run.faults("dump", flag, empty)
