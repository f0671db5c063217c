"""`check` of a recording and of a snapshot, and without a node name."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_rig import busy, document
from look_rig import Command, Spot, spot


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir, metadata=True) as found:
        yield found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return what runs commands, on a machine without a node's name."""
    for name in ("NODE_NAME", "PODRES_NODE_NAME", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    return Command(capsys)


def verdicts(run: Command, *flags: str, code: int) -> dict[str, str]:
    """Return the verdicts by finding."""
    ran = run("check", *flags, "-o", "json")
    assert code == ran.code, ran.err
    return {each["id"]: each["verdict"] for each in json.loads(ran.out)["findings"]}


def test_a_recording_is_judged_as_its_node_was(node: Spot, run: Command, tmp_path: Path) -> None:
    """What is in it has the same verdicts as on the node; socket and API server were there and are not here."""
    file = tmp_path / "node.json.gz"
    assert 0 == run("dump", *node.flags, f"--record={file}").code
    there, here = verdicts(run, *node.flags, code=0), verdicts(run, f"--from={file}", code=0)
    ran = run("check", f"--from={file}")

    assert there.keys() - here.keys() == set()
    assert {name for name in here if name.startswith(("socket.", "api."))} == {
        name for name, verdict in here.items() if verdict == "skipped" and name.startswith(("socket.", "api."))
    }
    same = ("kubelet.list", "kubelet.allocatable", "kubelet.size", "kubelet.items", "node.numa", "pods.missing")
    assert {name: there[name] for name in same} == {name: here[name] for name in same}
    assert "2 pods" in ran.out or "3 pods" in ran.out
    assert " 0 ms" not in ran.out
    assert "not part of a recording" in ran.out


def test_a_recording_of_a_kubelet_that_did_not_answer_says_so(node: Spot, run: Command, tmp_path: Path) -> None:
    """Such a recording shows nothing to `dump`, and is the one that comes with a bug report."""
    file = tmp_path / "node.json"
    run("dump", f"--kubelet.socket={node.directory}/none.sock", *node.flags[1:], f"--record={file}")
    found = verdicts(run, f"--from={file}", code=1)

    assert "failed" == found["kubelet.list"]


def test_names_of_a_recording_can_be_hidden(node: Spot, run: Command, tmp_path: Path) -> None:
    file = tmp_path / "node.json"
    run("dump", *node.flags, f"--record={file}")
    text = run("check", f"--from={file}", "--hash-names", "-o", "json").out

    assert "node1" not in text
    assert "train" not in text


def test_a_snapshot_is_judged_as_an_exporter_is(run: Command, tmp_path: Path) -> None:
    """Without its age: it is what it was when it was made."""
    file = tmp_path / "node.json"
    file.write_text(json.dumps(document(busy("n1"), at=1_700_000_000.0)))
    ran = run("check", f"--from={file}")

    assert 0 == ran.code
    assert "podres-exporter 1.0.0 shows 1 pod of n1, as of 2023-11-14T22:13:20Z" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--from=x", "--kubelet.socket=/x"], "--kubelet.socket: applies only to reading a node, not to --from"),
        (["--url=127.0.0.1:1", "--from=x"], "--from and --url: are mutually exclusive; give one of them"),
        (["--insecure"], "--insecure: needs an https URL: --url https://..."),
        (["--from="], "--from: is empty; write the name of a recording, or - for standard input"),
    ],
)
def test_flags_that_contradict_each_other_are_wrong_usage(run: Command, flags: list[str], expected: str) -> None:
    ran = run("check", *flags)

    assert 2 == ran.code
    assert f"podres-exporter: {expected}" in ran.err


def test_a_file_that_cannot_be_read_is_a_failure(run: Command, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")

    assert (1, 1) == (run("check", f"--from={tmp_path / 'x'}").code, run("check", f"--from={tmp_path / 'y'}").code)


def test_the_name_of_the_node_is_that_of_the_host_where_the_pods_are_the_same(
    node: Spot, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is looked at then, and the name that `serve` wants is told."""
    unnamed = [flag for flag in node.flags if not flag.startswith("--node-name")]
    monkeypatch.setattr("socket.gethostname", lambda: "node1")
    told = verdicts(run, *unnamed, code=3)
    text = " ".join(run("check", *unnamed).out.split())
    monkeypatch.setattr("socket.gethostname", lambda: "laptop")
    foreign = verdicts(run, *unnamed, code=1)

    assert ("warning", "ok") == (told["api.node-name"], told["api.list"])
    assert "no node name is configured; assuming the host name node1: 3 of the kubelet's 3 pods known" in text
    assert ("failed", "skipped") == (foreign["api.node-name"], foreign["api.list"])
