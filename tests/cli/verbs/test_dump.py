"""`dump` from the command line: output, recordings, and rejected flags."""

import csv
import io
import json
import re
import threading
from pathlib import Path

import grpc
import pytest
import yaml
from look_rig import GPU, NODE, SERVE, Command, Spot, answers
from processes import get
from prometheus_client.parser import text_string_to_metric_families
from rig import Scrape

from podres_exporter.cli.look.record import save
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.dump.table import HEADERS as TABLE_HEADERS
from podres_exporter.errors import SnapshotError
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.spec import ContainerFamily, NodeFamily, PodFamily, PodLabelsFamily
from podres_exporter.recording import Recording
from podres_exporter.sim.podresources.answers import RpcFault

OF_THE_ALLOCATION = (ContainerFamily, NodeFamily, PodFamily, PodLabelsFamily)


def test_the_table_names_who_holds_what(node: Spot, run: Command) -> None:
    """The main job: one row per container that holds something."""
    ran = run("dump", *node.flags)

    assert 0 == ran.code
    assert ["NAMESPACE", "POD", "CONTAINER", "CPUS", "DEVICES", "MEMORY", "NUMA", "ALIGNED"] == ran.rows[0][:8]
    assert ["ml", "train", "main", "2-3", "1x", GPU, "4Gi", "0", "yes"] == ran.rows[1][:9]
    assert ["web", "infer", "server"] == ran.rows[2][:3]
    assert not any("log" in row for row in ran.rows)


def test_all_shows_containers_that_hold_nothing(node: Spot, run: Command) -> None:
    """The container `log` of the pod `infer`."""
    assert ["web", "infer", "log"] in [row[:3] for row in run("dump", *node.flags, "--all").rows]


@pytest.mark.parametrize(
    ("flags", "rows"),
    [
        (("-n", "web"), ["infer"]),
        (("-n", "web", "-n", "ml"), ["train", "infer"]),
        (("--pod", "tr*"), ["train"]),
        (("--pod", "web/infer"), ["infer"]),
        (("--container", "server"), ["infer"]),
        (("--resource", "cpu"), ["train"]),
        (("--device", "GPU-ab"), ["infer"]),
        (("--numa-node", "1"), ["infer"]),
        (("--numa-node", "0", "--numa-node", "1"), ["train", "infer"]),
    ],
)
def test_a_part_is_shown_if_asked_for(node: Spot, run: Command, flags: tuple[str, ...], rows: list[str]) -> None:
    """Each of the flags reaches what it is for; they hold for JSON as well."""
    shown = run("dump", *node.flags, *flags, "-o", "csv")
    document = json.loads(run("dump", *node.flags, *flags, "-o", "json").out)

    assert 0 == shown.code
    assert rows == list(dict.fromkeys(row["pod"] for row in csv.DictReader(io.StringIO(shown.out))))
    assert rows == [each["name"] for each in document["pods"]]


def test_who_has_a_device_that_nobody_has_is_answered(node: Spot, run: Command) -> None:
    """It is free, and where it is."""
    ran = run("dump", *node.flags, "--device", "GPU-b0")

    assert (0, f"no container holds {GPU} GPU-b0 (NUMA node 1) of {NODE}; it is free\n") == (ran.code, ran.out)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--pod", "tran"), "no pod 'tran' on node1; near: ml/train"),
        (("-n", "mll"), "no namespace 'mll' on node1; near: ml"),
        (("--device", "GPU-a"), "device 'GPU-a' matches 3 devices: example.com/gpu GPU-aa, example.com/gpu GPU-ab"),
        (("--device", "TPU"), "no device 'TPU'"),
        (("--numa-node", "9"), "no NUMA node 9 on node1; known are: 0, 1"),
    ],
)
def test_what_is_not_there_is_a_failure_that_names_what_is_near(
    node: Spot, run: Command, flags: tuple[str, ...], said: str
) -> None:
    """An empty table would look like an answer."""
    ran = run("dump", *node.flags, *flags)

    assert (1, "") == (ran.code, ran.out)
    assert said in ran.err


def test_every_format_says_the_same(node: Spot, run: Command) -> None:
    """JSON and YAML are the same document but for its time; CSV and the page name the same devices."""
    loaded = [
        json.loads(run("dump", *node.flags, "-o", "json").out),
        yaml.safe_load(run("dump", *node.flags, "-o", "yaml").out),
    ]
    page = Scrape(run("dump", *node.flags, "-o", "prom").out, "text/plain")
    rows = [*csv.DictReader(io.StringIO(run("dump", *node.flags, "-o", "csv").out))]

    assert loaded[0]["pods"] == loaded[1]["pods"]
    assert loaded[0]["stock"] == loaded[1]["stock"]
    assert {"GPU-aa", "GPU-ab"} == page.labels("podres_container_device_info", "device")
    assert {"GPU-aa", "GPU-ab"} == {row["id"] for row in rows if row["kind"] == "device"}
    assert "GPU-aa" in run("dump", *node.flags, "-o", "wide").out


def test_free_and_nodes_are_tables_of_their_own(node: Spot, run: Command) -> None:
    """What is left, with ids, and the node's stock and state."""
    free, nodes = run("dump", *node.flags, "--free"), run("dump", *node.flags, "--nodes")

    assert [GPU, "1", "2", "3", "GPU-ac,", "GPU-b0"] in free.rows
    assert ["PODS", "SKIPPED", "ALIGNED", "MISSING", "KUBELET", "TOPOLOGY", "METADATA"] in nodes.rows


def test_a_narrow_terminal_folds_cells_and_cuts_no_name(
    node: Spot, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLUMNS is how a pipe is told; less than 80 is taken for 80."""
    monkeypatch.setenv("COLUMNS", "10")
    narrow = run("dump", *node.flags, "--free").out

    assert ".." not in narrow
    assert "example.com/gpu" in narrow


NOTE = "left out: 1 pod that the kubelet still lists and that has finished"


def test_notes_are_on_standard_error_and_of_what_is_shown_alone(node: Spot, run: Command) -> None:
    """`dump | awk` sees rows and nothing else."""
    ran = run("dump", *node.flags)

    assert NOTE in ran.err
    assert {9} == {len(re.split(r" {2,}", line.strip())) for line in ran.out.splitlines()}


def test_headers_can_be_left_out_and_rows_sorted(node: Spot, run: Command) -> None:
    headed, bare = run("dump", *node.flags, "-o", "wide"), run("dump", *node.flags, "-o", "wide", "--no-headers")
    place = headed.rows[0].index("POD")

    assert headed.rows[1:] == bare.rows
    by_pod = run("dump", *node.flags, "-o", "wide", "--no-headers", "--sort-by", "pod").rows
    assert sorted(words[place] for words in bare.rows) == [words[place] for words in by_pod]


@pytest.mark.parametrize("pod", ["train", "ml/train", "pod/train", "pods/ml/train", "po/train"])
def test_pods_are_named_as_kubectl_names_them(node: Spot, run: Command, pod: str) -> None:
    ran = run("dump", *node.flags, pod, "-o", "name")

    assert (0, "pod/train\n") == (ran.code, ran.out)


def test_all_namespaces_is_what_a_node_shows_anyway(node: Spot, run: Command) -> None:
    assert run("dump", *node.flags, "-A").out == run("dump", *node.flags).out
    assert run("dump", *node.flags, "-o", "yml").out.startswith("apiVersion: ")


def test_a_dump_and_a_scrape_agree_value_by_value(node: Spot, run: Command) -> None:
    """The same snapshot through the same functions: what `serve` shows of the allocation, `dump -o prom` prints."""
    given: Given = {
        "--kubelet.socket": str(node.kubelet.socket_path),
        "--topology.sysfs": str(node.sysfs),
        "--node-name": NODE,
        "--metadata.kubeconfig": str(node.config),
        "--metadata.pod-labels-allowlist": "pods=[app]",
        "--snapshot.hold-down": "0s",
        "--kubelet.poll-interval": "1s",
        "--web.listen-address": ["127.0.0.1:0"],
    }
    daemon = Daemon(configured(given, {}, []), {}, SystemClock())
    daemon.start()
    try:
        scraped = _scrape_with_metadata(daemon.addresses[0].url)
    finally:
        daemon.stop()
    dumped = run("dump", *node.flags, "--metadata.pod-labels-allowlist=pods=[app]", "-o", "prom")
    names = {family.name for family in CATALOGUE if isinstance(family, OF_THE_ALLOCATION)}

    def of_the_allocation(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {key: value for key, value in Scrape(text, "text/plain").samples.items() if key[0] in names}

    assert 0 == dumped.code
    assert of_the_allocation(scraped) == of_the_allocation(dumped.out)
    assert {"podres_container_devices", "podres_pod_labels", "podres_node_free_devices"} <= {
        name for name, _ in of_the_allocation(dumped.out)
    }


def _scrape_with_metadata(url: str) -> str:
    """Return the page once it has metadata."""
    clock, never = SystemClock(), threading.Event()
    until = clock.monotonic_seconds() + 15
    while clock.monotonic_seconds() < until:
        _, text = get(f"{url}/metrics")
        if "podres_pod_info{" in text:
            return text
        never.wait(0.05)
    raise AssertionError(text)


def test_the_page_is_one_that_prometheus_reads(node: Spot, run: Command) -> None:
    """For node_exporter's textfile collector, or promtool."""
    text = run("dump", *node.flags, "-o", "prom").out

    assert [] != list(text_string_to_metric_families(text))
    assert text.endswith("\n")


def test_collectors_and_the_node_label_follow_the_environment_of_the_daemon(
    node: Spot, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump in the exporter's pod shows what its scrapes show."""
    monkeypatch.setenv("PODRES_COLLECTOR_DEVICES", "false")
    monkeypatch.setenv("PODRES_METRICS_NODE_LABEL", "false")
    text = run("dump", *node.flags, "-o", "prom").out

    assert "podres_container_devices" not in text
    assert 'podres_node_exclusive_cpus{numa_node="0"} 2' in text


def test_a_recording_shows_the_same_as_the_node_did(node: Spot, run: Command) -> None:
    """Through the same wire, join and snapshot, wherever it is read; its time is that of the recording."""
    file = node.directory / "node.json"
    first = run("dump", *node.flags, f"--record={file}", "-o", "json")
    node.kubelet.answers = answers()
    again = run("dump", f"--from={file}", "-o", "json")
    then, now = json.loads(first.out), json.loads(again.out)

    assert (0, 0) == (first.code, again.code)
    assert {**then, "status": None} == {**now, "status": None}
    assert [each["source"] for each in then["status"]["sources"]] == [
        each["source"] for each in now["status"]["sources"]
    ]
    assert 0o600 == file.stat().st_mode & 0o777
    assert [file.name] == [each.name for each in node.directory.iterdir() if "podres-" in each.name or each == file]


def test_a_snapshot_is_read_like_a_recording(node: Spot, run: Command) -> None:
    """`dump -o json` of another machine; tables and all."""
    file = node.directory / "snapshot.json"
    file.write_text(run("dump", *node.flags, "-o", "json").out)

    assert run("dump", *node.flags).out == run("dump", "--from", file).out


def test_a_recording_with_hidden_names_holds_none_of_them(node: Spot, run: Command) -> None:
    """Compressed by its name; what is held, and where, is the same."""
    file = node.directory / "node.json.gz"
    plain = run("dump", *node.flags, f"--record={file}", "--hash-names", "-o", "json")
    hidden = run("dump", "--from", file, "-o", "json")
    names = ("train", "infer", '"web"', '"main"', "server", '"GPU-aa"', '"GPU-b0"', "node1", "uid-", "-app")
    then, now = json.loads(plain.out), json.loads(hidden.out)

    assert (0, 0) == (plain.code, hidden.code)
    assert b"\x1f\x8b" == file.read_bytes()[:2]
    assert [] == [name for name in names if name in hidden.out]
    assert len(then["pods"]) == len(now["pods"])
    assert _shape(then) == _shape(now)


def test_a_recording_on_standard_output_is_all_that_is_there(node: Spot, run: Command) -> None:
    """In the exporter's pod nothing is written: `kubectl exec POD -- ... --record - > node.rec` is the way out."""
    file = node.directory / "piped.json"
    recorded = run("dump", *node.flags, "--record", "-", "--hash-names")
    file.write_text(recorded.out, encoding="utf-8")
    again = run("dump", "--from", file, "-o", "json")

    assert (0, 0) == (recorded.code, again.code)
    assert json.loads(recorded.out)
    assert "train" not in recorded.out
    assert len(json.loads(run("dump", *node.flags, "-o", "json").out)["pods"]) == len(json.loads(again.out)["pods"])


def _shape(document: dict[str, object]) -> list[str]:
    """Return what is held where, without names."""
    pods = document["pods"]
    assert isinstance(pods, list)
    return sorted(
        json.dumps(
            [
                each["exclusiveCpus"],
                each["memory"],
                each["alignment"],
                [(row["resource"], row.get("numaNodes")) for row in each["devices"]],
                [(row["resource"], row["requested"], row["held"]) for row in pod.get("requests", [])],
            ]
        )
        for pod in pods
        for each in pod["containers"]
    )


def test_a_recording_is_kept_even_where_the_kubelets_answer_is_of_no_use(node: Spot, run: Command) -> None:
    """That is when a bug report needs it; with hidden names its bytes are left out, and that is said."""
    node.kubelet.override("List", b"\xffsecret")
    plain, hidden = node.directory / "plain", node.directory / "hidden"
    codes = [
        run("dump", *node.flags, f"--record={plain}").code,
        run("dump", *node.flags, f"--record={hidden}", "--hash-names").code,
    ]

    assert [1, 1] == codes
    assert "/3NlY3JldA==" in plain.read_text()
    assert "bytes that cannot be read, left out" in hidden.read_text()
    assert "the recorded kubelet did not list its pods" in run("dump", "--from", plain).err


def test_a_recording_that_cannot_be_written_is_a_failure(node: Spot, run: Command) -> None:
    """It was asked for; nothing half-written is left."""
    ran = run("dump", *node.flags, "--record=/proc/sys/node.json")  # /proc takes no files

    assert 1 == ran.code
    assert ran.err.startswith("podres-exporter: --record: /proc/sys/node.json cannot be written: ")


def test_what_was_there_stays_where_a_recording_fails(tmp_path: Path) -> None:
    """The file of yesterday is replaced by a whole one or not at all, and nothing is left beside it."""
    folder = tmp_path / "recording"
    folder.mkdir()
    with pytest.raises(SnapshotError, match="cannot be written"):
        save(Recording("n1", "0", 1.0), folder, hide_names=False)

    assert [] == list(folder.iterdir())
    assert [folder] == list(tmp_path.iterdir())


def test_a_call_that_failed_stays_one_when_names_are_hidden(node: Spot, run: Command) -> None:
    """Its reason stays, its text does not: there may be names in it."""
    node.kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.INTERNAL, "secret"))
    file = node.directory / "node.json"
    run("dump", *node.flags, "--topology.sysfs=/nowhere", f"--record={file}", "--hash-names")
    calls = {each["rpc"]: each for each in json.loads(file.read_text())["kubelet"]["calls"]}

    assert {"rpc": "GetAllocatableResources", "refusal": {"reason": "internal"}} == calls["GetAllocatableResources"]
    assert "nowhere" not in file.read_text()


def test_without_topology_or_metadata_a_recording_says_why(node: Spot, run: Command) -> None:
    """What was missing then is missing now, with the same sentence."""
    file = node.directory / "node.json"
    then = run("dump", *node.flags[:1], "--topology.sysfs=/nowhere", f"--record={file}", "--nodes")
    now = run("dump", "--from", file, "--nodes")

    assert (3, 3) == (then.code, now.code)
    assert then.err == now.err


def test_a_recording_of_an_old_kubelet_keeps_that_it_was_old(node: Spot, run: Command) -> None:
    """That Get is not there decides how its answers are read."""
    node.kubelet.override("Get", RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method Get"))
    file = node.directory / "node.json"
    then = json.loads(run("dump", *node.flags, f"--record={file}", "-o", "json").out)
    now = json.loads(run("dump", "--from", file, "-o", "json").out)

    assert then["status"]["rpcs"] == now["status"]["rpcs"]
    assert {"rpc": "Get", "support": "unsupported"} in now["status"]["rpcs"]


@pytest.mark.parametrize(
    ("argv", "faults"),
    [
        (("-o", "xml"), ["-o: 'xml' is unknown; choose table, wide, json, yaml, prom, csv or name"]),
        (("--free", "-o", "prom"), ["--free: prints a table of its own and cannot be combined with -o prom"]),
        (("--free", "--nodes"), ["--free and --nodes: are separate tables; use one at a time"]),
        (("--all", "-o", "wide"), ["--all: is for the table of containers; json and yaml always contain all of them"]),
        (("--watch", "--from", "x"), ["--watch: a file does not change; omit --from"]),
        (("--watch", "-o", "yaml"), ["--watch: prints changes as lines or, with -o json, as JSON; omit -o yaml"]),
        (("--watch", "--free"), ["--watch: prints changes as lines and cannot be combined with the table --free"]),
        (("--watch", "--all"), ["--watch: containers that hold nothing do not change; omit --all"]),
        (("--watch", "--record", "x"), ["--record: saves a single snapshot; omit --watch"]),
        (
            ("--record", "x", "--url", "http://n"),
            ["--record: saves a node's answers and cannot be combined with --from or --url"],
        ),
        (("--hash-names",), ["--hash-names: hides names in a recording; add --record FILE"]),
        (("--record", "/nowhere/x"), ["--record: '/nowhere/x' does not name a file in an existing directory"]),
        (
            ("--record", "/dev/stdout"),
            [
                (
                    "--record: '/dev/stdout' is not a regular file; "
                    "write for example node1.json.gz, or - for standard output"
                )
            ],
        ),
        (("--from", "x", "--url", "http://n"), ["--from and --url: are mutually exclusive; give one of them"]),
        (("--from", ""), ["--from: is empty; write the name of a recording, or - for standard input"]),
        (
            ("--url", "ftp://n"),
            ["--url: 'ftp://n' is not the URL of an exporter; write for example http://node1:10190"],
        ),
        (
            ("--url", "http://n", "--url-cert", "/nowhere/c"),
            [
                "--url-cert: needs an https URL: --url https://...",
                "--url-cert: there is no file '/nowhere/c'",
            ],
        ),
        (
            ("--url", "https://n", "--url-key", "/dev/null", "--url-ca", "/nowhere/ca", "--insecure"),
            [
                "--insecure and --url-ca: contradict each other; give one of them",
                "--url-key: belongs to a certificate; give --url-cert too",
                "--url-ca: there is no file '/nowhere/ca'",
                "--url-key: there is no file '/dev/null'",
            ],
        ),
        (("--insecure",), ["--insecure: needs an https URL: --url https://..."]),
        (
            ("--insecure", "--url", "http://n"),
            ["--insecure: needs an https URL: --url https://..."],
        ),
        (
            ("--from", "x", "--kubelet.socket", "/y"),
            ["--kubelet.socket: applies only to reading a node, not to --from"],
        ),
        (("",), ["POD: the pod's name is empty; write NAME, or NAMESPACE/NAME"]),
        (("pod/",), ["POD: the pod's name is empty; write NAME, or NAMESPACE/NAME"]),
        (("-A", "-n", "ml"), ["-A and -n: are mutually exclusive; give one of them"]),
        (
            ("-o", "jsonpath={.pods}"),
            ["-o: jsonpath exists in kubectl only; use -o json and jq, for example -o json | jq .pods"],
        ),
        (
            ("--sort-by", "colour"),
            [f"--sort-by: 'colour' is not a column of this table; choose {', '.join(('NODE', *TABLE_HEADERS))}"],
        ),
        (
            ("-o", "json", "--sort-by", "pod", "--no-headers"),
            [
                "--sort-by: is for tables and cannot be combined with -o json",
                "--no-headers: is for tables and cannot be combined with -o json",
            ],
        ),
        (("--pod", ""), ["--pod: the name is empty; omit the flag for all of them"]),
        (("--numa-node", "one"), ["--numa-node: 'one' is not the number of a NUMA node; write for example 0"]),
        (
            ("--numa-node", "x", "-o", "y", "--hash-names"),
            [
                "-o: 'y' is unknown; choose table, wide, json, yaml, prom, csv or name",
                "--hash-names: hides names in a recording; add --record FILE",
                "--numa-node: 'x' is not the number of a NUMA node; write for example 0",
            ],
        ),
    ],
)
def test_what_contradicts_itself_is_refused_all_at_once(run: Command, argv: tuple[str, ...], faults: list[str]) -> None:
    """Exit code 2, before anybody is asked."""
    assert faults == run.faults("dump", *argv)


def test_an_empty_node_is_an_answer(node: Spot, run: Command) -> None:
    """The kubelet says that nothing is held; that is not silence."""
    node.kubelet.answers = answers()
    ran = run("dump", *node.flags)

    assert 0 == ran.code
    assert ran.out.startswith("nothing ")
    assert " on node1\n" in ran.out


def test_names_are_never_obeyed_by_the_terminal(node: Spot, run: Command) -> None:
    """A device id may be an escape sequence."""
    pod = type(SERVE)()
    pod.CopyFrom(SERVE)
    pod.containers[0].devices[0].device_ids[0] = "\x1b[2Jgone"
    node.kubelet.answers = answers(pod)
    ran = run("dump", *node.flags, "-o", "wide")

    assert "\x1b" not in ran.out
    assert "\\x1b[2Jgone" in ran.out
