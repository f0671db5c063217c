"""The origin of a snapshot, what is missing from it, and the error if there is none."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from look_rig import NODE, Command, Ran, Spot, spot

from podres_exporter.sim.podresources.answers import RpcFault


@pytest.fixture
def node(short_dir: Path) -> Iterator[Spot]:
    with spot(short_dir) as found:
        yield found


@pytest.fixture
def member(short_dir: Path) -> Iterator[Spot]:
    """Yield a node of a cluster."""
    with spot(short_dir, metadata=True) as found:
        yield found


def pods(ran: Ran) -> list[str]:
    """Return the pods that a document has."""
    return [each["name"] for each in json.loads(ran.out)["pods"]]


def test_a_node_of_a_cluster_is_shown_with_its_metadata(member: Spot, run: Command) -> None:
    """One list: workloads are known and the finished pod is gone; nothing is missing, so nothing is said."""
    ran = run("dump", *member.flags, "-o", "json")

    assert (0, "") == (ran.code, ran.err)
    assert ["train", "infer"] == pods(ran)
    assert "uid-train" == json.loads(ran.out)["pods"][0]["metadata"]["uid"]
    assert {"List": 1, "GetAllocatableResources": 1, "Get": 1} == member.kubelet.calls


def test_no_metadata_by_choice_is_no_shortfall(node: Spot, run: Command) -> None:
    """`--metadata.source=none` says that none is wanted."""
    ran = run("dump", *node.flags, "-o", "json")

    assert (0, "") == (ran.code, ran.err)
    assert ["done", "train", "infer"] == pods(ran)


def test_outside_a_cluster_everything_is_shown_without_metadata_and_that_is_said(node: Spot, run: Command) -> None:
    """Nobody has to switch off what is not there; exit code 3 tells scripts. The host's name is the node's."""
    ran = run("dump", f"--kubelet.socket={node.kubelet.socket_path}", f"--topology.sysfs={node.sysfs}", "-o", "json")

    assert 3 == ran.code
    assert ["done", "train", "infer"] == pods(ran)
    assert socket.gethostname().lower() == json.loads(ran.out)["node"]
    assert ran.err.startswith("podres-exporter: without metadata: labels, owners and phases are missing")
    assert "no credentials for the API server; give --metadata.kubeconfig, or --metadata.source=none" in ran.err


def test_in_a_pod_without_a_service_account_everything_is_shown_without_metadata(
    node: Spot, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`automountServiceAccountToken: false` is met in the field; what mends it is said."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.setenv("NODE_NAME", NODE)
    ran = run("dump", *node.flags[:2], "-o", "json")

    assert 3 == ran.code
    assert ["done", "train", "infer"] == pods(ran)
    assert "set automountServiceAccountToken: true" in ran.err


def test_a_cluster_needs_the_name_of_the_node(member: Spot, run: Command) -> None:
    """Without it the pods of all nodes would be asked for."""
    (fault,) = run.faults("dump", *(flag for flag in member.flags if not flag.startswith("--node-name")))

    assert fault.startswith("--node-name: ")


def test_an_api_server_that_refuses_us_leaves_the_allocation(member: Spot, run: Command) -> None:
    """What it said, and the remedy."""
    unknown = run("dump", *member.flags, "--node-name=other", "-o", "json")
    bad = member.directory / "bad"
    bad.write_text((member.directory / "config").read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1"))
    ran = run("dump", *member.flags, f"--metadata.kubeconfig={bad}", "-o", "json")

    assert (0, ["done", "train", "infer"]) == (unknown.code, pods(unknown))
    assert (3, ["done", "train", "infer"]) == (ran.code, pods(ran))
    assert "check that the API server can be reached, or use --metadata.source=none" in ran.err


def test_a_kubeconfig_that_is_named_and_useless_is_wrong_usage(node: Spot, run: Command) -> None:
    """It is not passed over: the user has said that it is to be used."""
    (fault,) = run.faults("dump", *node.flags[:3], "--metadata.kubeconfig=/nowhere")

    assert "the kubeconfig /nowhere cannot be used" in fault


def test_a_machine_without_topology_is_shown_and_that_is_said(node: Spot, run: Command) -> None:
    """Alignment is then not known."""
    ran = run("dump", *node.flags, f"--topology.sysfs={node.directory}/nothing", "-o", "json")

    assert 3 == ran.code
    assert ["done", "train", "infer"] == pods(ran)
    assert "the NUMA nodes of CPUs are not known: cannot read" in ran.err


def test_a_kubelet_that_does_not_tell_what_it_has_is_shown_and_that_is_said(node: Spot, run: Command) -> None:
    """A failure, unlike a method that an old kubelet does not have."""
    node.kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.INTERNAL, "on fire"))
    failed = run("dump", *node.flags, "-o", "json")
    node.kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method"))
    old = run("dump", *node.flags, "-o", "json")

    assert (3, 0) == (failed.code, old.code)
    assert "free amounts are not known: kubelet: internal: GetAllocatableResources: INTERNAL: on fire" in failed.err
    assert "" == old.err


def test_items_that_cannot_be_read_are_counted(node: Spot, run: Command) -> None:
    """The rest is shown; the recording of the answer is what a bug report needs."""
    node.kubelet.override("List", node.kubelet.answers.list() + b"\x0a\x03\x0a\x01a")
    ran = run("dump", *node.flags, "-o", "json")

    assert (3, ["done", "train", "infer"]) == (ran.code, pods(ran))
    assert "1 items of the kubelet's answers cannot be read and are left out; --record saves the answers" in ran.err


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown service"), "is not its pod-resources API"),
        (RpcFault(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit"), "its rate limit rejects the call"),
        (RpcFault(grpc.StatusCode.UNAVAILABLE, "permission denied"), "only root may open the socket: run this as root"),
        (RpcFault(grpc.StatusCode.INTERNAL, "on fire"), "see podres-exporter check"),
        (b"\xff", "1 bytes are not an answer to List; see podres-exporter check"),
    ],
)
def test_a_kubelet_that_does_not_tell_its_pods_is_a_failure_with_a_remedy(
    node: Spot, run: Command, fault: bytes | RpcFault, said: str
) -> None:
    """Unavailable is never empty: nothing is printed."""
    node.kubelet.override("List", fault)
    ran = run("dump", *node.flags)

    assert (1, "") == (ran.code, ran.out)
    assert ran.err.startswith("podres-exporter: cannot query the kubelet: ")
    assert said in ran.err


def test_a_kubelet_that_hangs_is_left_after_its_timeout(node: Spot, run: Command) -> None:
    """Every question has a deadline; the flag that lengthens it is named."""
    node.kubelet.hang()
    ran = run("dump", *node.flags, "--kubelet.timeout=100ms")
    node.kubelet.resume()

    assert 1 == ran.code
    assert "in time; check that the kubelet is healthy, or allow more time with --kubelet.timeout" in ran.err


def test_a_socket_that_nobody_listens_on_is_told_from_one_that_is_not_there(node: Spot, run: Command) -> None:
    """And both from a file that is no socket."""
    node.kubelet.kill()
    dead = run("dump", *node.flags)
    missing = run("dump", *node.flags, "--kubelet.socket=/nowhere/kubelet.sock")
    (node.directory / "file").touch()
    wrong = run("dump", *node.flags, f"--kubelet.socket={node.directory}/file")

    assert [1, 1, 1] == [dead.code, missing.code, wrong.code]
    assert "no process listens at" in dead.err
    assert "/nowhere/kubelet.sock: no such file or directory; run this on a node" in missing.err
    assert "is not a socket" in wrong.err


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody who may not look")
def test_a_socket_that_only_root_may_look_at_says_so(node: Spot, run: Command) -> None:
    """The kubelet's directory has mode 0750."""
    folder = node.kubelet.socket_path.parent
    folder.chmod(0o700)
    node.directory.chmod(0o711)
    os.seteuid(65534)
    try:
        ran = run("dump", *node.flags)
    finally:
        os.seteuid(0)

    assert 1 == ran.code
    assert "run this as root" in ran.err


def test_nothing_is_logged_beside_what_is_said(member: Spot, run: Command) -> None:
    """Standard error is for people, unless they ask for the log."""
    quiet = run("dump", *member.flags, "--nodes")
    talkative = run("dump", *member.flags, "--nodes", "--log.level=debug")

    assert "event=" not in quiet.err
    assert "event=source.up" in talkative.err


def test_the_environment_speaks_where_no_flag_does(node: Spot, run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for `serve`, so that a command in its pod needs no flag; not for files, which ask no node."""
    monkeypatch.setenv("PODRES_KUBELET_SOCKET", str(node.kubelet.socket_path))
    monkeypatch.setenv("PODRES_TOPOLOGY_SYSFS", str(node.sysfs))
    monkeypatch.setenv("PODRES_METADATA_SOURCE", "none")
    monkeypatch.setenv("NODE_NAME", "worker-1")
    ran = run("dump", "-o", "json")
    (node.directory / "s.json").write_text(ran.out)
    monkeypatch.setenv("PODRES_KUBELET_TIMEOUT", "soon")

    assert (0, "worker-1") == (ran.code, json.loads(ran.out)["node"])
    assert 0 == run("dump", f"--from={node.directory}/s.json").code


def test_pods_that_only_the_api_server_knows_are_in_the_document(member: Spot, run: Command) -> None:
    """The finished one is among them."""
    ran = run("dump", *member.flags, "-o", "json")

    assert ["done"] == [each["name"] for each in json.loads(ran.out)["otherPods"]]
