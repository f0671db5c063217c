"""`fit` from the command line: requests, and exit codes for scripts."""

import json

import pytest
from look_rig import GPU, Command, Spot


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (("--device", f"{GPU}=1"), 0, "yes"),
        (("--cpus", "2", "--memory", "1Gi", "--policy", "single-numa-node"), 0, "yes"),
        (("--device", f"{GPU}=3"), 1, "no"),
        (("--device", "example.com/nic=1"), 3, "unknown"),
        (("--cpus", "5", "--memory", "1Gi"), 3, "it depends"),
        (("--hugepages", "2Mi=1Gi", "--cpus", "1", "--memory", "1Gi"), 1, "no"),
    ],
)
def test_the_exit_code_is_the_answer(node: Spot, run: Command, argv: tuple[str, ...], code: int, word: str) -> None:
    """0 yes, 1 no, 3 if it depends on the policy, which cannot be read from outside."""
    ran = run("fit", *argv, *node.flags)

    assert code == ran.code, ran.out
    assert ran.out.startswith(word)
    assert "" == ran.err


def test_finished_pods_are_in_nobodys_way(node: Spot, run: Command) -> None:
    """The kubelet still lists the finished pod with a GPU; with metadata it is free."""
    known = run("fit", "--device", f"{GPU}=2", *node.flags)
    unknown = run("fit", "--device", f"{GPU}=2", *node.flags[:2], "--metadata.source=none", "--node-name=node1")

    assert (0, 1) == (known.code, unknown.code)


def test_no_snapshot_is_no_answer(node: Spot, run: Command) -> None:
    """1 means no; unknown is 3."""
    node.kubelet.kill()
    ran = run("fit", "--cpus=1", *node.flags)

    assert (3, "") == (ran.code, ran.out)
    assert "cannot query the kubelet" in ran.err


def test_a_shortfall_is_said_and_the_answer_stays(node: Spot, run: Command) -> None:
    """Without metadata the answer is still one."""
    ran = run("fit", "--device", f"{GPU}=1", *node.flags[:2])

    assert 0 == ran.code
    assert ran.err.startswith("podres-exporter: without metadata: ")


def test_json_says_the_same_under_stable_names(node: Spot, run: Command) -> None:
    """For programs; the policy and the scope reach the judgement."""
    argv = ("--cpus=1", "--memory=1Gi", "--policy=restricted", "--scope=pod", "-o", "json")
    answer = json.loads(run("fit", *argv, *node.flags).out)

    assert ("yes", "pod", ["restricted"]) == (
        answer["fits"],
        answer["scope"],
        [each["policy"] for each in answer["outcomes"]],
    )
    assert 1000 == answer["asked"]["containers"][0]["cpu_millicores"]


def test_wrong_usage_is_refused_all_at_once(run: Command) -> None:
    """Each fault with an example of what would be right."""
    argv = ("--cpus=x", "--memory=-1", "--hugepages=2Mi", "--device=a=z", "--device==1", "--device=b=1", "--device=b=2")

    assert [
        "-o: 'xml' is unknown; choose text or json",
        "--cpus: 'x' is not a number of CPUs; write for example 4 or 500m",
        "--memory: '-1' is not a size; write for example 16Gi",
        "--hugepages: '2Mi' lacks the number; write for example 2Mi=1Gi",
        "--device: 'z' is not a number of devices; write for example nvidia.com/gpu=2",
        "--device: '=1' names nothing; write for example nvidia.com/gpu=2",
        "--device: 'b=2' is the second of its name; write for example nvidia.com/gpu=2",
        "--policy: 'strict' is unknown; choose none, best-effort, restricted, single-numa-node",
        "--scope: 'node' is unknown; choose container, pod",
    ] == run.faults("fit", "--from=x", *argv, "--policy=strict", "--scope=node", "-o", "xml")


def test_a_pod_that_asks_for_nothing_is_refused(run: Command) -> None:
    """Every node would admit it."""
    fault = "no requests given; use --cpus, --memory, --hugepages or --device"

    assert [fault] == run.faults("fit", "--from=x")
    assert [fault] == run.faults("fit", "--from=x", "--cpus=0", "--device=a=0")
