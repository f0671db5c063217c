"""`check` against healthy and faulty kubelets and API servers: output and exit code."""

import json
import os
import pty
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_rig import pod
from builders import container_row, device_row, list_answer, pod_row, topology_row
from builders import field as wire_field
from fake_clock import FakeClock
from raw_server import RawServer, whole
from tls_rig import Authority

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.check import Finding, Report, judge, text_lines
from podres_exporter.cli import main
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.verbs.check import Surroundings, gather, stated, wants_colours
from podres_exporter.clock import SystemClock
from podres_exporter.document import encode_json
from podres_exporter.errors import ConfigError
from podres_exporter.join import Joiner
from podres_exporter.kube.client import Limits
from podres_exporter.model import Listing, Snapshot, SourceHealth
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet
from podres_exporter.sim.api import ANY, PODS, ApiServer, Drop, Fail, Hang, Store, kubeconfig

MIB = 1 << 20
GPU = device_row("example.com/gpu", "GPU-0", topology=topology_row(0))
TRAIN = pod_row("train", container_row("main", devices=[GPU], cpus=[2, 3]), namespace="ml")
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=[GPU], cpu_ids=[1, 2, 3]).SerializeToString()
ENVIRONMENT = {"NODE_NAME": "node1", "PODRES_SNAPSHOT_HOLD_DOWN": "0s"}
"""No kubelet is young, although those of the tests have just started."""

PATIENT = Limits(connect_seconds=60.0, list_seconds=60.0)
QUICK = Limits(connect_seconds=0.5, list_seconds=0.3)
"""Where a deadline is what ends the wait."""


def answers(*pods: pb.PodResources) -> FixedAnswers:
    """Return a kubelet's answers about these pods."""
    gets = {
        (each.namespace, each.name): pb.GetPodResourcesResponse(pod_resources=each).SerializeToString() for each in pods
    }
    return FixedAnswers(list_answer(*pods), ALLOCATABLE, gets)


def running(name: str = "train", **more: Any) -> dict[str, Any]:
    """Return a pod that has been running for a while, and that asks for a GPU."""
    made = pod(name, node="node1", **more)
    made["spec"]["containers"][0]["resources"] = {"limits": {"example.com/gpu": "1"}}
    made["status"]["startTime"] = "2026-01-01T00:00:00Z"
    return made


@dataclass
class Place:
    """A node: kubelet, API server, /sys; `check` looks at it with a clock that never sleeps."""

    kubelet: SimKubelet
    api: ApiServer
    store: Store
    directory: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))
    limits: Limits = PATIENT

    @property
    def flags(self) -> dict[str, str]:
        return {
            "--kubelet.socket": str(self.kubelet.socket_path),
            "--topology.sysfs": str(self.directory / "sys"),
            "--metadata.kubeconfig": str(self.directory / "config"),
        }

    def check(self, **changes: str) -> dict[str, Finding]:
        """Return the findings by id; `kubelet_timeout` is `--kubelet.timeout`, and an empty flag is not given."""
        flags = {**self.flags, **{f"--{name.replace('_', '.', 1).replace('_', '-')}": v for name, v in changes.items()}}
        self.report = self.look({flag: value for flag, value in flags.items() if value})
        lines = text_lines(self.report, colours=False)
        assert [] == [line for line in lines if len(line) > 80 and len(line.split()[-1]) <= 50]
        return {each.id: each for each in self.report.findings}

    def look(self, given: dict[str, Any]) -> Report:
        config = configured(given, self.environment, [])
        clock = FakeClock(SystemClock().wall_seconds())
        around = Surroundings(clock, service_account=self.directory / "account", limits=self.limits)
        return judge(gather(config, stated(given, self.environment), self.environment, around))

    def argv(self, *more: str) -> list[str]:
        return ["check", *(f"{flag}={value}" for flag, value in self.flags.items()), *more]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a node of that name, whatever this machine is called and whichever proxies it has."""
    for name in list(os.environ):
        if name.startswith("PODRES_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NODE_NAME", "node1")


@pytest.fixture
def place(short_dir: Path) -> Iterator[Place]:
    """Yield a node on which all is well."""
    folder = short_dir / "sys/devices/system/node/node0"
    folder.mkdir(parents=True)
    (folder / "cpulist").write_text("0-3\n", encoding="ascii")
    clock = SystemClock()
    store = Store(clock)
    store.create(PODS, running(labels={"app": "train"}))
    kubelet = SimKubelet(short_dir / "pod-resources/kubelet.sock", answers(TRAIN), clock)
    (short_dir / "device-plugins").mkdir()
    with kubelet, ApiServer(store, clock) as api, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as device_manager:
        device_manager.bind(str(short_dir / "device-plugins/kubelet.sock"))
        (short_dir / "config").write_text(kubeconfig(api.url), encoding="utf-8")
        yield Place(kubelet, api, store, short_dir)


def verdicts(findings: dict[str, Finding], *names: str) -> list[str]:
    return [findings[name].verdict.value for name in names]


def worse(findings: dict[str, Finding]) -> dict[str, str]:
    """Return what is neither ok nor merely skipped; plain HTTP, which every test here has, is left out."""
    rest = {name: each.verdict.value for name, each in findings.items() if name != "api.reach"}
    return {name: verdict for name, verdict in rest.items() if verdict not in {"ok", "skipped"}}


def test_a_good_node_has_nothing_to_complain_of(place: Place) -> None:
    """Every part was looked at, with one call of each kind."""
    findings = place.check()

    assert {} == worse(findings)
    assert [] == [each.id for each in findings.values() if each.verdict.value == "skipped"]
    assert {"List": 1, "GetAllocatableResources": 1, "Get": 1} == dict(place.kubelet.calls)
    assert "1.34 or newer: Get is enabled, by default from 1.34" == findings["kubelet.release"].seen
    assert findings["socket.age"].seen.endswith("s ago, when the kubelet started")
    assert "found: the kubeconfig" in findings["api.credentials"].seen


def test_what_is_asked_of_the_api_server_is_little(place: Place) -> None:
    """Five reviews, two lists and the versions of DRA; nodes are not asked for: the exporter has no right to them."""
    place.check()

    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    asked = sorted(each.path for each in place.api.requests.recent)
    dra = "/apis/resource.k8s.io"
    assert ["/api/v1/pods", *[review] * 5, dra, f"{dra}/v1/resourceslices"] == asked


def test_without_an_api_server_the_rest_is_looked_at(place: Place) -> None:
    findings = place.check(metadata_source="none", metadata_kubeconfig="")

    assert {} == worse(findings)
    assert "skipped" == findings["api.list"].verdict.value
    assert not place.api.requests.recent


def test_no_socket(place: Place) -> None:
    """The API server is looked at all the same."""
    place.kubelet.stop()
    findings = place.check()

    assert {"socket.file": "failed"} == worse(findings)
    assert "its directory does" in findings["socket.file"].seen
    assert ["skipped", "skipped", "ok", "ok"] == verdicts(
        findings, "kubelet.list", "kubelet.get", "api.list", "node.numa"
    )


def test_no_directory(place: Place) -> None:
    findings = place.check(kubelet_socket="/nowhere/pod-resources/kubelet.sock")

    assert "there is no /nowhere" in findings["socket.file"].seen


def test_the_file_of_a_killed_kubelet(place: Place) -> None:
    place.kubelet.kill()
    findings = place.check()

    assert {"socket.connect": "failed"} == worse(findings)
    assert "connection refused" in findings["socket.connect"].seen


@pytest.mark.parametrize(
    ("make", "seen"),
    [(Path.touch, "a regular file"), (Path.mkdir, "is a directory"), (os.mkfifo, "something else")],
    ids=["file", "directory", "pipe"],
)
def test_something_else_in_place_of_the_socket(place: Place, make: Callable[[Path], None], seen: str) -> None:
    path = place.directory / "odd"
    make(path)
    findings = place.check(kubelet_socket=str(path))

    assert {"socket.file": "failed"} == worse(findings)
    assert seen in findings["socket.file"].seen


@pytest.mark.parametrize(
    ("rpc", "name", "code", "text", "verdict"),
    [
        ("Get", "kubelet.get", grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled", "note"),
        ("Get", "kubelet.get", grpc.StatusCode.UNIMPLEMENTED, "unknown method Get", "note"),
        (
            "GetAllocatableResources",
            "kubelet.allocatable",
            grpc.StatusCode.UNKNOWN,
            "Pod Resources API GetAllocatableResources disabled",
            "warning",
        ),
        ("GetAllocatableResources", "kubelet.allocatable", grpc.StatusCode.UNIMPLEMENTED, "unknown method", "warning"),
        ("List", "kubelet.list", grpc.StatusCode.UNIMPLEMENTED, "unknown service v1.PodResourcesLister", "failed"),
        ("List", "kubelet.list", grpc.StatusCode.INTERNAL, "oops", "failed"),
    ],
)
def test_a_call_that_is_not_served(
    place: Place, rpc: str, name: str, code: grpc.StatusCode, text: str, verdict: str
) -> None:
    """With the kubelet's own texts; the other calls are made nevertheless."""
    place.kubelet.override(rpc, RpcFault(code, text))
    findings = place.check()

    assert {name: verdict} == worse(findings)
    assert {"List", "GetAllocatableResources", "Get"} == set(place.kubelet.calls)


def test_a_kubelet_that_rejects_every_call(place: Place) -> None:
    """Three attempts each, then it is given up."""
    place.kubelet.throttled = True
    findings = place.check()

    assert ["failed"] * 4 == verdicts(
        findings, "kubelet.list", "kubelet.allocatable", "kubelet.get", "kubelet.rate-limit"
    )
    assert "9 of 9 calls rejected" in findings["kubelet.rate-limit"].seen
    assert {"List": 3, "GetAllocatableResources": 3, "Get": 3} == dict(place.kubelet.calls)


def test_a_kubelet_that_hangs(place: Place) -> None:
    """Each call ends at its deadline."""
    place.kubelet.hang()
    findings = place.check(kubelet_timeout="100ms")

    assert ["failed"] * 3 == verdicts(findings, "kubelet.list", "kubelet.allocatable", "kubelet.get")
    assert "timeout after" in findings["kubelet.list"].seen
    assert "skipped" == findings["pods.missing"].verdict.value


def test_an_answer_that_is_too_large(place: Place) -> None:
    """GRPC refuses it; its size is told nevertheless."""
    place.kubelet.override("List", bytes(17 * MIB))
    findings = place.check(kubelet_max_message_size="16Mi")

    assert ["failed", "failed"] == verdicts(findings, "kubelet.list", "kubelet.size")
    assert 17 * MIB == findings["kubelet.size"].facts["size_bytes"]


def test_an_answer_that_would_be_too_large_for_others(place: Place) -> None:
    place.kubelet.override("List", list_answer(TRAIN) + wire_field(100, bytes(5 * MIB)))
    findings = place.check()

    assert {"kubelet.size": "note"} == worse(findings)
    assert "5 MiB at most, of List" in findings["kubelet.size"].seen


def test_an_answer_that_is_none(place: Place) -> None:
    place.kubelet.override("List", b"\xff")

    assert "kubelet.list" in worse(place.check())


def test_an_item_that_cannot_be_used_is_named_and_harmless_to_the_terminal(place: Place) -> None:
    """An escape sequence in the name of a container."""
    bad = pod_row("bad", container_row("\x1b[2J", devices=[device_row("", "GPU-9")]), namespace="ml")
    place.kubelet.override("List", list_answer(TRAIN, bad))
    store_bad = running("bad")
    place.store.create(PODS, store_bad)
    findings = place.check()

    assert "warning" == findings["kubelet.items"].verdict.value
    assert "pod_resources[ml/bad].containers" in findings["kubelet.items"].seen
    assert "\x1b" not in "".join(text_lines(place.report, colours=False))


def test_a_sysfs_without_numa_nodes(place: Place) -> None:
    findings = place.check(topology_sysfs=str(place.directory / "nothing"))

    assert {"node.numa": "warning"} == worse(findings)


def test_no_credentials_in_a_pod(place: Place) -> None:
    """The environment of a pod without the files of its service account."""
    place.environment |= {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    findings = place.check(metadata_kubeconfig="")

    assert {"api.credentials": "failed"} == worse(findings)
    assert "automountServiceAccountToken" in findings["api.credentials"].remedy
    assert "ok" == findings["kubelet.list"].verdict.value


def test_no_credentials_at_all(place: Place) -> None:
    findings = place.check(metadata_kubeconfig="")

    assert "KUBERNETES_SERVICE_HOST" in findings["api.credentials"].seen
    assert "--metadata.source=none" in findings["api.credentials"].remedy


def test_the_service_account_of_a_pod(place: Place) -> None:
    """TLS, and a token from a file."""
    authority, account = Authority(), place.directory / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(authority.pem)
    (account / "token").write_text("a-token", encoding="ascii")
    with ApiServer(place.store, SystemClock(), token="a-token", tls=authority.server_context()) as api:  # noqa: S106
        host, port = api.url.removeprefix("https://").split(":")
        place.environment |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        findings = place.check(metadata_kubeconfig="")

    assert {} == worse(findings)
    assert "found: the service account of this pod" == findings["api.credentials"].seen
    assert findings["api.reach"].seen.endswith("over TLS")


def test_a_token_that_is_not_accepted(place: Place) -> None:
    place.api.faults.on_requests(ANY, Fail(401))
    findings = place.check()

    assert {"api.credentials": "failed"} == worse(findings)
    assert "HTTP 401" in findings["api.credentials"].seen


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_a_right_that_is_missing(place: Place, verb: str) -> None:
    """Answered by the access review; the list is tried as well."""
    place.api.faults.on_requests(verb, Fail(403), resource=PODS)
    findings = place.check()

    assert "failed" == findings[f"api.may-{verb}"].verdict.value
    assert 'rule {apiGroups: [""], resources: [pods], verbs: [list, watch]}' in findings[f"api.may-{verb}"].remedy
    assert ("failed" if verb == "list" else "ok") == findings["api.list"].verdict.value


def test_an_access_review_that_is_refused(place: Place) -> None:
    """What is known then comes from the list."""
    place.api.faults.on_requests("post", Fail(403))
    findings = place.check()

    assert {"api.may-list": "note", "api.may-watch": "note"} == worse(findings)


def test_an_api_server_that_is_down(place: Place) -> None:
    place.api.go_down()
    findings = place.check()

    assert ["api.reach"] == [name for name, each in findings.items() if each.verdict.value == "failed"]
    assert "refused" in findings["api.reach"].seen
    assert "skipped" == findings["api.may-watch"].verdict.value


def test_an_api_server_that_hangs(place: Place) -> None:
    """Every request ends at its deadline, and the second review is not begun."""
    place.api.faults.on_requests(ANY, Hang())
    place.limits = QUICK
    findings = place.check()

    assert "failed" == findings["api.reach"].verdict.value
    assert "overloaded" in findings["api.reach"].remedy
    assert 2 == len(place.api.requests.recent)


def test_an_api_server_that_closes(place: Place) -> None:
    place.api.faults.on_requests(ANY, Drop())

    assert "failed" == place.check()["api.reach"].verdict.value


def test_an_api_server_whose_certificate_nobody_has_signed(place: Place) -> None:
    """With another authority in the kubeconfig; with the right one, and with none at all, it is reached."""
    ours, others = Authority(), Authority()
    with ApiServer(place.store, SystemClock(), tls=ours.server_context()) as api:
        (place.directory / "config").write_text(kubeconfig(api.url, None, others.pem), encoding="utf-8")
        wrong = place.check()
        (place.directory / "config").write_text(kubeconfig(api.url, None, ours.pem), encoding="utf-8")
        right = place.check()
        text = re.sub(
            r"certificate-authority-data: .*", "insecure-skip-tls-verify: true", kubeconfig(api.url, None, b"x")
        )
        (place.directory / "config").write_text(text, encoding="utf-8")
        blind = place.check()

    assert "not signed by the trusted CA" in wrong["api.reach"].remedy
    assert ["ok", "warning"] == [each["api.reach"].verdict.value for each in (right, blind)]


def test_an_api_server_behind_a_proxy_is_told_without_the_proxys_password(place: Place) -> None:
    """HTTPS_PROXY of a pod's environment concerns the API server too."""
    (place.directory / "config").write_text(kubeconfig("http://10.0.0.1:1"), encoding="utf-8")
    place.environment["HTTP_PROXY"] = "http://user:secret@127.0.0.1:1"
    findings = place.check()

    assert "through the proxy http://127.0.0.1:1" in findings["api.reach"].seen
    assert "NO_PROXY" in findings["api.reach"].remedy


def test_a_clock_that_differs(place: Place) -> None:
    """By the Date of the answer."""
    review = b'{"status": {"allowed": true}}'
    date = "Date: Tue, 14 Nov 2023 22:13:20 GMT"
    with RawServer(whole(review, "201 Created", date)) as server:
        (place.directory / "config").write_text(kubeconfig(server.url), encoding="utf-8")
        findings = place.check()

    assert "warning" == findings["api.clock"].verdict.value
    assert "ahead of the API server" in findings["api.clock"].seen


def test_the_name_of_another_node(place: Place) -> None:
    """The list is good, and empty."""
    place.environment["NODE_NAME"] = "node2"
    findings = place.check()

    assert {"api.node-name": "failed"} == worse(findings)
    assert "has 0 pods of node node2" in findings["api.node-name"].seen


def test_sides_that_disagree_are_looked_at_twice(place: Place) -> None:
    """A pod that runs and is not listed, one that is listed and unknown, one that has finished and is listed."""
    place.store.create(PODS, running("lost"))
    place.store.create(PODS, running("done", phase="Succeeded"))
    place.kubelet.answers = answers(TRAIN, pod_row("static", namespace="kube-system"), pod_row("done", namespace="ml"))
    findings = place.check()

    assert {"pods.missing": "warning", "pods.unknown": "note", "pods.finished": "note", "pods.requests": "ok"} == {
        name: findings[name].verdict.value for name in findings if name in {*worse(findings), "pods.requests"}
    }
    assert "ml/lost" in findings["pods.missing"].seen
    assert "kube-system/static" in findings["pods.unknown"].seen
    assert "ml/done" in findings["pods.finished"].seen
    assert 2 == place.kubelet.calls["List"]


def test_sides_that_agree_at_the_second_look_do_not_disagree(place: Place) -> None:
    """The first List is answered as by a kubelet that does not know the pod yet."""
    place.kubelet.first_answers = [answers()]
    findings = place.check()

    assert {} == worse(findings)
    assert 2 == place.kubelet.calls["List"]
    assert "1 pod, 1 container" in findings["kubelet.list"].seen


def test_a_second_look_that_fails_leaves_the_first(place: Place) -> None:
    place.store.create(PODS, running("lost"))

    class Once:
        """Answers to List once."""

        def __init__(self) -> None:
            self.asked = 0

        def list(self) -> bytes:
            self.asked += 1
            if self.asked > 1:
                raise RpcFault(grpc.StatusCode.INTERNAL, "gone")
            return list_answer(TRAIN)

        def allocatable(self) -> bytes:
            return ALLOCATABLE

        def get(self, namespace: str, name: str) -> bytes:
            return answers(TRAIN).get(namespace, name)

        def alpha_list(self) -> bytes:
            return b""

    place.kubelet.answers = Once()

    assert {"pods.missing": "warning"} == worse(place.check())


def test_a_container_that_asked_for_a_device_and_has_none(place: Place) -> None:
    place.kubelet.answers = answers(pod_row("train", container_row("main"), namespace="ml"))
    findings = place.check()

    assert {"pods.requests": "warning"} == worse(findings)
    assert "ml/train main requested 1 example.com/gpu and has 0" == findings["pods.requests"].seen


def test_labels_that_nobody_has(place: Place) -> None:
    findings = place.check(metadata_pod_labels_allowlist="pods=[label_app]")

    assert {"api.labels": "warning"} == worse(findings)
    assert "this node's pods have app" in findings["api.labels"].remedy


def test_a_pod_of_the_api_server_that_cannot_be_read(place: Place) -> None:
    place.store.create(PODS, {**running("odd"), "status": {"phase": 7}})
    findings = place.check()

    assert "warning" == findings["api.list"].verdict.value
    assert "ml/odd" in findings["api.list"].seen


def test_a_kubelet_without_pods_is_asked_for_one_that_the_api_server_knows(place: Place) -> None:
    """Get can be judged even where List cannot: the pod's name comes from the other side."""
    place.kubelet.override("List", RpcFault(grpc.StatusCode.INTERNAL, "oops"))

    assert "ok" == place.check()["kubelet.get"].verdict.value


def test_a_kubelet_without_pods_on_an_empty_node(place: Place) -> None:
    place.kubelet.answers = answers()
    place.store.delete(PODS, "ml", "train")
    findings = place.check()

    assert {} == worse(findings)
    assert "there is no pod to request" == findings["kubelet.get"].seen


def test_the_command_prints_the_report_and_ends_with_0_where_all_is_well(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its kubelet is new and its API server has no TLS: that is worth a note each, and no fault."""
    code = main(place.argv())
    lines = capsys.readouterr().out.splitlines()

    assert 0 == code
    assert lines[0].startswith("ok    config ")
    assert "2 notes and 33 ok." == lines[-1]
    assert [] == [line for line in lines if "\x1b" in line]


def test_the_command_ends_with_1_where_something_failed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubelet.kill()

    assert 1 == main(place.argv())
    assert "FAIL  socket.connect" in capsys.readouterr().out


def test_the_command_ends_with_3_where_there_are_warnings_only(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 3 == main(place.argv("--metadata.pod-labels-allowlist=nobody"))
    assert "Start with api.labels." in capsys.readouterr().out


def test_warnings_can_be_forgiven_and_failures_cannot(place: Place) -> None:
    """`helm test` runs in an image without a shell that could look at the code."""
    assert 0 == main(place.argv("--metadata.pod-labels-allowlist=nobody", "--warnings-ok"))
    place.kubelet.kill()
    assert 1 == main(place.argv("--warnings-ok"))


MARK = "acme-secret"
"""Stands in every name of the next test."""


def test_a_hidden_report_has_no_name_in_it(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pods that one side lacks, labels, the node, a variable: each is named in the report as it is made."""
    for name in (f"{MARK}-a", f"{MARK}-b"):
        made = running(name, labels={"app": MARK, f"{MARK}.example.com/team": MARK})
        made["metadata"]["namespace"] = f"{MARK}-namespace"
        place.store.create(PODS, made)
    monkeypatch.setenv("NODE_NAME", f"{MARK}-node")
    monkeypatch.setenv("PODRES_ACME_SECRET", "1")
    argv = place.argv(f"--metadata.pod-labels-allowlist={MARK}")
    main(argv)
    plain = capsys.readouterr().out
    outputs = []
    for more in (("--hash-names",), ("--hash-names", "-o", "json")):
        main([*argv, *more])
        outputs.append(capsys.readouterr().out)
    document = json.loads(outputs[1])

    assert MARK in plain
    assert not [output for output in outputs if re.search("acme.?secret", output, re.IGNORECASE)]
    assert re.fullmatch("[0-9a-f]{12}", document["node"])
    assert {each["id"] for each in document["findings"] if each["facts"]} > {"socket.file", "node.numa"}


def test_a_missing_device_manager_is_a_warning(place: Place) -> None:
    """Someone has emptied the directory under a running kubelet."""
    (place.directory / "device-plugins/kubelet.sock").unlink()

    assert {"node.device-manager": "warning"} == worse(place.check())


def test_the_command_prints_json(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else on standard output."""
    code = main(place.argv("-o", "json"))
    document = json.loads(capsys.readouterr().out)

    assert (0, "podres/v1", "CheckReport", "node1", "ok") == (
        code,
        document["apiVersion"],
        document["kind"],
        document["node"],
        document["verdict"],
    )
    assert 35 == len(document["findings"])


def test_the_help_names_the_flags_of_serve_that_apply_with_their_variables_and_the_exit_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to do with polling and serving is not for one look."""
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = capsys.readouterr().out

    assert [
        "--kubelet.socket",
        "--kubelet.timeout",
        "--kubelet.max-message-size",
        "--node-name",
        "--metadata.source",
        "--metadata.podsapi-socket",
        "--metadata.plugins-root",
        "--metadata.kubeconfig",
        "--metadata.context",
        "--metadata.pod-labels-allowlist",
        "--topology.sysfs",
        "--log.level",
        "--log.format",
        "--from",
        "--url",
        "--password-file",
        "--url-ca",
        "--url-cert",
        "--url-key",
    ] == re.findall(r"^  (--[a-z.-]+) [A-Z]", text, re.MULTILINE)
    assert "PODRES_KUBELET_TIMEOUT" in text
    assert "0 all is well, 1 something failed, 2 wrong usage, 3 warnings only" in text


def test_wrong_usage_is_refused_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """As `serve` does, and with the same sentences."""
    code = main(["check", "--kubelet.socket=x", "-o", "yaml", "--log.level=loud"])
    errors = capsys.readouterr().err

    assert 2 == code
    for part in ("not an absolute path", "-o: 'yaml' is unknown", "--log.level"):
        assert part in errors


@pytest.mark.parametrize("more", [(), ("--metadata.source=apiserver",)])
def test_without_the_name_of_the_node_everything_else_is_looked_at(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    """`serve` refuses to start; the command for people in trouble reports it as a finding."""
    monkeypatch.delenv("NODE_NAME")
    code = main(place.argv("-o", "json", *more))
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)["findings"]}

    assert 1 == code
    assert "failed" == found["api.node-name"]["verdict"]
    assert "--node-name" in found["api.node-name"]["remedy"]
    assert {"skipped"} == {found[name]["verdict"] for name in ("api.reach", "api.list", "api.credentials")}
    assert "ok" == found["socket.connect"]["verdict"]


def test_a_name_that_is_empty_is_wrong_usage_here_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NODE_NAME")

    assert 2 == main(place.argv("--node-name="))


def test_the_environment_of_serve_is_validated_too() -> None:
    """In the exporter's own pod, `check` finds what `serve` would stumble over."""
    with pytest.raises(ConfigError, match="PODRES_WEB_MAX_REQUESTS"):
        configured({}, {"NODE_NAME": "n", "PODRES_WEB_MAX_REQUESTS": "many"}, [])


def test_flags_and_variables_that_say_something_are_told_apart_from_strangers() -> None:
    """A flag hides its variable; Kubernetes' own variables for a service named podres-exporter are no strangers."""
    environment = {
        "NODE_NAME": "n",
        "PODRES_LOG_LEVEL": "debug",
        "PODRES_KUBELET_SOCKET": "/hidden",
        "PODRES_KUBELET_TIMEOUT": "",
        "PODRES_COLLECTOR_CPUS": "false",
        "PODRES_KUBELET_SOKET": "/x",
        "PODRES_ZZZ": "",
        "PODRES_EXPORTER_SERVICE_HOST": "10.0.0.1",
        "PODRES_EXPORTER_SERVICE_PORT_METRICS": "10190",
        "PODRES_EXPORTER_PORT": "tcp://10.0.0.1:10190",
        "PODRES_EXPORTER_PORT_10190_TCP_ADDR": "10.0.0.1",
    }
    given, strangers = stated({"--kubelet.socket": "/s"}, environment)

    assert ("--kubelet.socket", "PODRES_LOG_LEVEL", "PODRES_COLLECTOR_CPUS", "NODE_NAME") == given
    assert (("PODRES_KUBELET_SOKET", "PODRES_KUBELET_SOCKET"), ("PODRES_ZZZ", "")) == strangers


def test_an_environment_without_anything_of_ours_says_nothing() -> None:
    assert ((), ()) == stated({}, {"PATH": "/bin"})


@pytest.mark.parametrize(
    ("environment", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colours_are_for_terminals_whose_user_wants_them(
    environment: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    assert expected is wants_colours(environment, is_terminal=is_terminal)


def test_a_terminal_gets_colours(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        main(place.argv("--metadata.source=none"))
        seen = os.read(master, 1 << 16).decode()
    os.close(master)

    assert "\x1b[32mok  \x1b[0m  config" in seen


def holder(name: str, device_id: str = "0000:3b:02.1", cpus: tuple[int, ...] = ()) -> pb.PodResources:
    row = device_row("openshift.io/vf", device_id, topology=topology_row(0))
    return pod_row(name, container_row("main", devices=[row], cpus=list(cpus)), namespace="net")


def looked(place: Place, *pods: pb.PodResources, source: str = "none") -> Finding:
    """Return the finding where the kubelet lists these pods."""
    place.kubelet.answers = answers(*pods)
    return place.check(
        metadata_source=source, metadata_kubeconfig="" if source == "none" else place.flags["--metadata.kubeconfig"]
    )["node.double-held"]


def test_two_pods_with_one_function_are_named(place: Place) -> None:
    """One List, and then each holder is asked for by Get: List writes in the kubelet (#137534)."""
    one = looked(place, holder("dpdk-a"), holder("dpdk-b"), holder("other", "0000:3b:02.2"))

    assert ("warning", "1 thing held by two pods: openshift.io/vf 0000:3b:02.1 by net/dpdk-a and net/dpdk-b") == (
        one.verdict.value,
        one.seen,
    )
    assert {"List": 1, "GetAllocatableResources": 1, "Get": 3} == dict(place.kubelet.calls)


def test_what_is_over_at_the_second_look_is_no_finding(place: Place) -> None:
    """A pod may end between two rows of one answer: by then Get does not know it."""
    a, b = holder("dpdk-a"), holder("dpdk-b")
    place.kubelet.answers = FixedAnswers(list_answer(a, b), ALLOCATABLE, answers(a).pods)

    assert "ok" == place.check(metadata_source="none", metadata_kubeconfig="")["node.double-held"].verdict.value


def test_many_holders_are_listed_once_more(place: Place) -> None:
    """Twenty Gets at once would use up the burst that all clients of the kubelet share."""
    one = looked(place, *(holder(f"p{number}", f"vf-{number // 2}") for number in range(20)))

    assert one.seen.startswith("10 things held by two pods: ")
    assert (2, 1) == (place.kubelet.calls["List"], place.kubelet.calls["Get"])


@pytest.mark.parametrize(
    ("pods", "verdict"),
    [
        ([], "skipped"),
        ([("dpdk-a", "Running"), ("dpdk-b", "Running")], "warning"),
        ([("dpdk-a", "Running"), ("dpdk-b", "Succeeded")], "ok"),
    ],
    ids=["no metadata", "both run", "one has finished"],
)
def test_a_kubelet_that_lists_finished_pods_needs_metadata(
    place: Place, pods: list[tuple[str, str]], verdict: str
) -> None:
    """Without Get (up to 1.33) a listed pod may have finished: only the API server tells which are alive."""
    a, b = holder("dpdk-a"), holder("dpdk-b")
    for name, phase in pods:
        place.store.create(PODS, pod(name, "net", node="node1", phase=phase))
    place.kubelet.override("Get", RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled"))

    assert verdict == looked(place, a, b, source="apiserver" if pods else "none").verdict.value


# A running exporter


SHOWN = Snapshot(
    "node1",
    replace(Joiner().join(Listing(()), None, None), given_up_pods=(("ml", "train"),)),
    sources=(SourceHealth("kubelet", True, 1.0),),
)


def test_a_running_exporter_names_the_pods_that_it_has_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    """It has waited for ten times the hold-down, which no single look can."""
    clock = SystemClock()
    document = encode_json(SHOWN, generated_at_seconds=clock.wall_seconds(), version="1.0.0")
    with RawServer(whole(document)) as server:
        code = main(["check", f"--url={server.url}", "-o", "json"])
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)["findings"]}

    assert ("ok", "warning") == (found["exporter.reach"]["verdict"], found["pods.given-up"]["verdict"])
    assert ["ml/train"] == found["pods.given-up"]["facts"]["pods"]
    assert 3 == code


def test_an_exporter_that_does_not_answer_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["check", "--url=127.0.0.1:1"])
    assert "FAIL" in capsys.readouterr().out


def test_flags_about_asking_a_node_are_refused_beside_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["check", "--url=http://", "--topology.sysfs=/sys", "-o", "xml"])
    said = capsys.readouterr().err

    assert "--topology.sysfs: applies only to reading a node, not to --url" in said
    assert "--url: " in said
    assert "-o: 'xml' is unknown" in said
