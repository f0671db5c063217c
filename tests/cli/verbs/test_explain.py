"""`explain` from the command line: pod, origin and exit code."""

import json

import pytest
from look_rig import Command, Spot


@pytest.mark.parametrize("argv", [("train",), ("ml/train",), ("train", "-n", "ml"), ("ml/train", "-n", "ml")])
def test_a_pod_is_explained_by_its_name_with_or_without_its_namespace(
    node: Spot, run: Command, argv: tuple[str, ...]
) -> None:
    """As kubectl names it, and as `dump` prints it."""
    ran = run("explain", *argv, *node.flags)

    assert (0, "") == (ran.code, ran.err)
    assert ran.out.startswith("ml/train ")
    assert "container main: aligned on NUMA node 0" in ran.out


def test_one_container_is_explained_alone(node: Spot, run: Command) -> None:
    """The other one of the pod is left out."""
    ran = run("explain", "infer", "-c", "server", *node.flags)

    assert "container server" in ran.out
    assert "container log" not in ran.out


def test_json_says_the_same_under_stable_names(node: Spot, run: Command) -> None:
    """For programs."""
    account = json.loads(run("explain", "train", "-o", "json", *node.flags).out)

    assert ("ml", "train", "listed") == (account["namespace"], account["pod"], account["state"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("tran",), "no pod tran on node1; near: ml/train"),
        (("train", "-n", "web"), "no pod train in namespace web on node1; near: ml/train"),
        (("train", "-c", "x"), "pod ml/train has no container x; it has: main"),
    ],
)
def test_a_pod_that_nobody_knows_is_a_failure_that_names_what_is_near(
    node: Spot, run: Command, argv: tuple[str, ...], said: str
) -> None:
    """Exit code 1."""
    ran = run("explain", *argv, *node.flags)

    assert (1, "", f"podres-exporter: {said}\n") == (ran.code, ran.out, ran.err)


def test_without_metadata_it_explains_what_it_can_and_says_so(node: Spot, run: Command) -> None:
    """Exit code 3; what the pod asked for is not known."""
    ran = run("explain", "train", *node.flags[:2])

    assert 3 == ran.code
    assert "container main: aligned on NUMA node 0" in ran.out
    assert ran.err.startswith("podres-exporter: without metadata: ")


def test_a_recording_is_explained_anywhere(node: Spot, run: Command) -> None:
    """The same account as on the node."""
    file = node.directory / "node.json.gz"
    run("dump", *node.flags, f"--record={file}")

    assert run("explain", "train", *node.flags).out == run("explain", "train", "--from", file).out


def test_wrong_usage_is_refused_all_at_once(run: Command) -> None:
    """Names that contradict each other, an empty one, an unknown format, a flag of another way."""
    assert [
        "-o: 'xml' is unknown; choose text or json",
        "-n: is 'b', but the pod's name says 'a'",
        "--topology.sysfs: applies only to reading a node, not to --from",
    ] == run.faults("explain", "a/p", "-n", "b", "-o", "xml", "--from", "x", "--topology.sysfs", "/sys")
    assert ["POD: the pod's name is empty; write NAME, or NAMESPACE/NAME"] == run.faults("explain", "", "--from", "x")
    assert ["POD: the pod's name is empty; write NAME, or NAMESPACE/NAME"] == run.faults("explain", "/p", "--from", "x")
    assert ["explain takes no argument 'q'; use -c q for a container of the pod"] == run.faults(
        "explain", "p", "q", "--from", "x"
    )
