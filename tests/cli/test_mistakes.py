"""
Typing mistakes: each error names the wrong value, a similar valid one, and an example.

The mistakes of a first contact with the program, and as many again. `NODE` stands for the flags of a small node, `DIR`
for a folder with a few files.
"""

import re
import shlex
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from look_rig import Spot, spot

from podres_exporter.cli import kubectl_main, main
from podres_exporter.cli.flags.habits import CLUSTER, NODE

USAGE = (
    ("dmup", "'dmup' is not a command; did you mean dump; there are serve, dump,"),
    ("servr", "did you mean serve"),
    ("DUMP", "did you mean dump"),
    ("dump --cpu", "dump has no flag --cpu; use --resource cpu"),
    ("dump --gpus", "dump has no flag --gpus; use --resource nvidia.com/gpu"),
    ("dump --no-header", "did you mean --no-headers?"),
    ("dump --nothing", "dump has no flag --nothing\n"),
    ("dump -o jsonpath={.items}", "use -o json and jq"),
    ("dump -o xml", "-o: 'xml' is unknown; choose table, wide, json, yaml, prom, csv or name"),
    ("dump --url ftp://n", "is not the URL of an exporter; write for example http://node1:10190"),
    ("dump --url http://", "is not the URL of an exporter"),
    ("dump --from x --url 127.0.0.1:1", "--from and --url:"),
    ("dump --from=", "--from: is empty; write the name of a recording, or - for standard input"),
    ("dump --free --nodes NODE", "--free and --nodes:"),
    ("dump --free -o json NODE", "--free: prints a table of its own"),
    ("dump --sort-by nothing NODE", "'nothing' is not a column of this table; choose NODE, NAMESPACE,"),
    ("dump --numa-node zero NODE", "'zero' is not the number of a NUMA node; write for example 0"),
    ("dump --record x --url 127.0.0.1:1", "--record: saves a node's answers"),
    ("dump --record DIR/no/x NODE", "does not name a file in an existing directory"),
    ("dump --hash-names NODE", "--hash-names: hides names in a recording; add --record FILE"),
    ("dump --node-name= --metadata.source=none", "--node-name: '' is not a node name"),
    ("dump --kubelet.timeout 5 NODE", "'5' is not a duration; write for example 500ms, 10s or 1m30s"),
    (
        "dump --kubelet.socket k.sock --metadata.source=none",
        "'k.sock' is not an absolute path; write for example /var/",
    ),
    ("dump --metadata.source=kubelet", "'kubelet' is unknown; choose apiserver, podsapi or none"),
    ("dump --insecure NODE", "--insecure: needs an https URL: --url https://..."),
    ("dump -A -n ml NODE", "-A and -n:"),
    ("explain", "the following arguments are required: POD"),
    ("explain ml/train -n web NODE", "-n: is 'web', but the pod's name says 'ml'"),
    ("explain pod/ NODE", "the pod's name is empty; write NAME, or NAMESPACE/NAME"),
    ("fit NODE", "no requests given; use --cpus, --memory, --hugepages or --device"),
    ("fit --gpus 2", "fit has no flag --gpus; use --device nvidia.com/gpu=N"),
    ("fit --device=nvidia.com/gpu NODE", "'nvidia.com/gpu' lacks the number; write for example nvidia.com/gpu=2"),
    ("fit --device=gpu=1 NODE", "'gpu' is neither an extended resource, such as nvidia.com/gpu, nor a DRA driver"),
    ("fit --device=example.com/gpu=two NODE", "'two' is not a number of devices"),
    ("fit --cpus=4x NODE", "'4x' is not a number of CPUs; write for example 4 or 500m"),
    ("fit --memory=16GB NODE", "'16GB' is not a size; write for example 16Gi"),
    (
        "fit --cpus=1 --policy=single NODE",
        "'single' is unknown; choose none, best-effort, restricted, single-numa-node",
    ),
    ("check --node n", "check has no flag --node; did you mean --node-name?"),
    ("check -o yaml", "-o: 'yaml' is unknown; choose text or json"),
    ("check --from x --kubelet.socket=/k", "--kubelet.socket:"),
    ("serve", "--node-name:"),
    ("serve --web.listen-adress=:1", "serve has no flag --web.listen-adress; did you mean --web.listen-address?"),
    ("serve --web.listen-address=99999 --metadata.source=none", "'99999' has no port; write it as ':10190'"),
    ("serve --web.listen-address=h:99999 --metadata.source=none", "is not a number from 0 to 65535"),
    ("serve --web.config.file=DIR/no.yml --metadata.source=none", "no.yml: cannot be read: No such file or directory"),
    ("serve --web.config.file=DIR/plain.yml --metadata.source=none", 'basic_auth_users["me"]: is not a bcrypt hash'),
    ("serve --web.config.file=DIR/bad.yml --metadata.source=none", "bad.yml: document: is not YAML: line"),
    ("serve --collector.dvices", "did you mean --collector.devices?"),
    ("serve --kubelet.poll-interval=1 --metadata.source=none", "'1' is not a duration"),
    ("serve --log.level=loud --metadata.source=none", "'loud' is unknown; choose debug, info, warning or error"),
    ("serve --metadata.pod-labels-allowlist=pods=app --metadata.source=none", "pods=[app,team"),
    ("simulate plugin", "--resource: is missing; write for example example.com/gpu"),
    ("simulate plugin --resource=cpu --devices=x", "'cpu' is not an extended resource"),
    ("simulate --release=1.9", "cannot be simulated; choose 1.20 to"),
    ("simulate --scenario=DIR/scene.yaml", "scene.yaml: pods: is the value 7; write a list"),
    ("metrics -o xml", "'xml' is unknown; choose table, markdown or json"),
    ("completion tcsh", "'tcsh' is unknown; choose bash, zsh, fish"),
    ("who", "the following arguments are required: DEVICE"),
    ("who GPU", "--prometheus: is missing; write for example --prometheus http://prometheus:9090"),
    ("who GPU --at noon --prometheus p", "'noon' is not a time; write for example 03:12, -2h,"),
    ("who GPU --since 1h --prometheus p", "'1h' lacks its sign; write -1h for so long ago"),
    ("who GPU --last 1h", "who has no flag --last; use --since -1h"),
    ("kubectl dumb", "'dumb' is not a command; did you mean dump"),
    ("kubectl get pods", "'get' is not a command; there are dump, explain, fit, check, who"),
    ("kubectl dump", "there is no kubeconfig"),
    ("kubectl dump --context x", "there is no kubeconfig with a context 'x'"),
    ("kubectl dump --kubeconfig DIR/no", "--kubeconfig: there is no file"),
    ("kubectl dump --timeout 5", "--timeout: '5' is not a duration"),
    ("kubectl dump --exporter-port web", "'web' is not the number of a port; write for example 10190"),
    ("kubectl fit --gpus 1", "use --device nvidia.com/gpu=N"),
    ("--watch dump", "--watch stands before the command; write podres-exporter dump --watch"),
    ("-o json dump", "-o stands before the command; write podres-exporter dump -o"),
    ("--frob", "--frob stands before the command; write podres-exporter COMMAND --frob"),
    ("kubectl -n ml dump", "-n stands before the command; write kubectl podres dump -n"),
    ("help nothing", "'nothing' is not a command; there are serve, dump,"),
    ("logs", "'logs' is not a command; there are serve, dump,"),
    ("dump -l app=train NODE", "dump has no flag -l; use --pod, or kubectl podres dump -l LABELS"),
    ("dump -o custom-columns=NAME:.x NODE", "-o: custom-columns exists in kubectl only; use -o json and jq"),
    ("dump --sort-by=.metadata.name NODE", "'.metadata.name' is not a column of this table; choose NODE,"),
    ('dump --resource "" NODE', "--resource: the name is empty; omit the flag for all of them"),
    ("dump ml/ NODE", "POD: the pod's name is empty; write NAME, or NAMESPACE/NAME"),
    ("dump -w --from DIR/empty.json", "--watch: a file does not change; omit --from"),
    ("dump -w --free NODE", "--watch: prints changes as lines and cannot be combined with the table --free"),
    ("dump -w -o yaml NODE", "--watch: prints changes as lines or, with -o json, as JSON; omit -o yaml"),
    ("dump --url :10190", "':10190' is not the URL of an exporter; write for example http://node1:10190"),
    ("dump --url https://127.0.0.1:1 --url-cert DIR/no.pem", "--url-cert: there is no file"),
    ("dump --url 127.0.0.1:1 --password-file DIR/no", "--password-file: --url must have a user and no password"),
    ("explain train main NODE", "explain takes no argument 'main'; use -c main for a container of the pod"),
    ("explain -A train NODE", "explain has no flag -A; use NAMESPACE/POD"),
    ("explain -o yaml train NODE", "-o: 'yaml' is unknown; choose text or json"),
    ("fit --cpu 4 NODE", "fit has no flag --cpu; did you mean --cpus?"),
    ("fit --cpus=-1 NODE", "'-1' is not a number of CPUs; write for example 4 or 500m"),
    ("fit --hugepages=2Mi NODE", "'2Mi' lacks the number; write for example 2Mi=1Gi"),
    ("fit train NODE", "fit takes no argument 'train'; use --cpus, --memory and --device"),
    ("check train", "check takes no argument 'train'; use --node-name NAME for a node, explain POD for a pod"),
    ("serve --port 8080", "serve has no flag --port; use --web.listen-address=:10190"),
    ("serve --config x", "serve has no flag --config; use flags, or their PODRES_... variables"),
    ("serve --web.listen-address=localhost --metadata.source=none", "listen address 'localhost' has no port"),
    (
        "serve --web.telemetry-path=metrics --metadata.source=none",
        "'metrics' is not a path; write for example /metrics",
    ),
    ("simulate --release=1.99", "release 1.99 cannot be simulated; choose 1.20 to"),
    ("completion BASH", "'BASH' is unknown; choose bash, zsh, fish"),
    ("metrics podres_pod_info", "metrics takes no argument 'podres_pod_info'; use metrics | grep -A2 podres_pod_info"),
    ("who GPU-1 GPU-2 --prometheus p", "who takes no argument 'GPU-2'; use one DEVICE at a time"),
    ("who GPU --url 127.0.0.1:1", "who has no flag --url; use --prometheus"),
    ("who GPU --at 25:00 --prometheus p", "'25:00' is not a time; write for example 03:12"),
    ("who GPU --at 2026-02-30 --prometheus p", "'2026-02-30' is not a time"),
    ("who GPU --since -1h --at -1h --prometheus p", "--at: cannot be combined with --since and --until"),
    ("who GPU --until -1h --prometheus p", "--until: needs --since; for a single point in time use --at"),
    ("who GPU --since -1h --until -2h --prometheus p", "(--until); add dates if times alone are ambiguous"),
    ("kubectl podres dump", "'podres' is not a command; there are dump, explain, fit, check, who"),
    ("kubectl dump --watch", "dump has no flag --watch; use podres-exporter dump --watch --url, through kubectl port-"),
    ("kubectl explain --url x web", "explain has no flag --url; use podres-exporter explain --url"),
)
"""Wrong usage: exit 2, and where the help is."""
FAILURES = (
    ("dump --pod nothing NODE", "no pod 'nothing' on node1; 3 pods are listed"),
    ("dump -n nothing NODE", "no namespace 'nothing' on node1; known are: ml, web"),
    ("dump --resource gpu NODE", "no resource 'gpu' on node1; near: example.com/gpu"),
    ("dump --device GPU-a NODE", "matches 3 devices: example.com/gpu GPU-aa,"),
    ("dump --device nothing NODE", "no device 'nothing'; 4 devices are known"),
    ("dump --numa-node 7 NODE", "no NUMA node 7 on node1; known are: 0, 1"),
    ("dump --from DIR/no.json", "no.json cannot be read: No such file or directory"),
    ("dump --from /etc/passwd", "/etc/passwd is not JSON (line 1, column 1)"),
    ("dump --from DIR/empty.json", "empty.json is empty"),
    ("dump --from DIR", "cannot be read: Is a directory"),
    ("dump --url 127.0.0.1:1", "http://127.0.0.1:1/api/v1/snapshot: no process listens there"),
    ("dump --url http://127.0.0.1:1/metrics", "http://127.0.0.1:1/api/v1/snapshot: no process listens there"),
    ("dump --kubelet.socket /no/k.sock --metadata.source=none", "/no/k.sock: no such file or directory; run this on a"),
    ("dump --kubelet.socket DIR/empty.json --metadata.source=none", "empty.json is not a socket"),
    ("dump --kubelet.socket DIR --metadata.source=none", "is not a socket; run this on a node, mount"),
    ("dump TRAIN NODE", "no pod 'TRAIN' on node1; near: ml/train"),
    ("dump train web NODE", "no pod 'web' on node1; 3 pods are listed"),
    ("dump -n ml,web NODE", "no namespace 'ml,web' on node1; near: web"),
    ("dump --url http://127.0.0.1:1/some/path", "no process listens there; is the exporter running"),
    ("dump --url http://user:secret@127.0.0.1:1", "http://127.0.0.1:1/api/v1/snapshot: no process listens there"),
    ("explain deployment/train NODE", "near: ml/train"),
    ("explain all NODE", "no pod all on node1; 3 pods are known there"),
    ("explain trai NODE", "no pod trai on node1; near: ml/train"),
    ("explain train -n web NODE", "no pod train in namespace web on node1; near: ml/train"),
    ("explain train -c nothing NODE", "pod ml/train has no container nothing; it has: main"),
    ("who GPU --prometheus 127.0.0.1:1", "no process listens there; is Prometheus running, and is this its port?"),
)
"""What is there is not what was asked for: exit 1."""
HABITS = (
    ("dump -A NODE", "ml         train"),
    ("dump --no-headers NODE", "ml         train"),
    ("dump ml/train NODE", "ml         train"),
    ("dump pod/train NODE", "ml         train"),
    ("dump -o yml NODE", "apiVersion: podres/v1"),
    ("dump -o name NODE", "pod/train"),
    ("dump --device GPU-b0 NODE", "GPU-b0"),
    ("explain pod/train NODE", "ml/train"),
    ("explain po/train -n ml NODE", "ml/train"),
    ("version", "podres-exporter "),
    ("dump --all-namespaces NODE", "ml         train"),
    ("dump -owide NODE", "GPU-aa"),
    ("dump --pod=ml/train NODE", "ml         train"),
    ("help dump", "usage: podres-exporter dump"),
)
"""What kubectl's users type, which works: the beginning of what they get."""


@pytest.fixture
def node() -> Iterator[Spot]:
    """
    Yield a node, and beside it the files of the mistakes; a socket's path is short.

    Each test has its own: a kubelet rejects more than ten calls at once.
    """
    with tempfile.TemporaryDirectory(prefix="pr") as name, spot(Path(name)) as found:
        folder = Path(name)
        (folder / "empty.json").write_text("")
        (folder / "plain.yml").write_text("basic_auth_users: {me: secret}\n")
        (folder / "bad.yml").write_text("tls_server_config: [\n")
        (folder / "scene.yaml").write_text("node: n\npods: 7\n")
        yield found


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a cluster, in a terminal of 160 columns."""
    for name in ("NODE_NAME", "PODRES_NODE_NAME", "KUBERNETES_SERVICE_HOST", "KUBECONFIG", "PODRES_PROMETHEUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("COLUMNS", "160")


def run(node: Spot, line: str) -> int:
    """Run a line and return its exit code."""
    words = shlex.split(line.replace("DIR", str(node.directory)).replace("NODE", shlex.join(node.flags)))
    return kubectl_main(words[1:]) if words[0] == "kubectl" else main(words)


@pytest.mark.parametrize(("line", "expected"), USAGE, ids=[line for line, _ in USAGE])
def test_wrong_usage_names_what_would_be_right(
    node: Spot, line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(node, line)
    captured = capsys.readouterr()

    assert (2, "") == (code, captured.out)
    assert expected in captured.err
    assert captured.err.splitlines()[-1].endswith("--help")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(("line", "expected"), FAILURES, ids=[line for line, _ in FAILURES])
def test_what_is_not_there_is_named_with_what_is(
    node: Spot, line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(node, line)
    captured = capsys.readouterr()

    assert (1, "") == (code, captured.out)
    assert expected in captured.err
    assert "--help" not in captured.err


@pytest.mark.parametrize(("line", "expected"), HABITS, ids=[line for line, _ in HABITS])
def test_habits_of_kubectl_work(node: Spot, line: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = run(node, line)
    except SystemExit as left:  # argparse prints the version and leaves
        code = int(left.code or 0)

    assert 0 == code
    assert expected in capsys.readouterr().out


def complaints(text: str) -> list[str]:
    """Return the sentences on standard error without the last one, which is where the help is."""
    lines = text.splitlines()
    assert lines[-1].startswith("podres-exporter: see ")
    return [line.removeprefix("podres-exporter: ") for line in lines[:-1]]


def test_every_wrong_flag_is_named_at_once(node: Spot, capsys: pytest.CaptureFixture[str]) -> None:
    """With the relation between them, so that a second attempt does not reveal the next error."""
    run(node, "dump --free --nodes --url 127.0.0.1:1 --from x --record y")
    found = complaints(capsys.readouterr().err)

    assert ["--free and --nodes", "--record", "--from and --url"] == [each.partition(":")[0] for each in found]


@pytest.mark.parametrize(
    "line", ["serve --web.listen-adress=:1", "who GPU --since 1h --prometheus p", "fit --gpus 2", "-o json dump"]
)
def test_what_follows_from_a_mistake_is_not_a_second_one(
    node: Spot, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One thing was wrong, so one thing is said."""
    run(node, line)

    assert 1 == len(complaints(capsys.readouterr().err))


@pytest.mark.parametrize(
    ("line", "program"),
    [("simulate plugin --frob", "simulate plugin"), ("simulate --frob", "simulate"), ("dumb", ""), ("dump -x", "dump")],
)
def test_the_help_that_is_named_is_that_of_the_command(
    node: Spot, line: str, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(node, line)

    assert f"see podres-exporter {program}".strip() + " --help" in capsys.readouterr().err


def test_a_free_device_is_said_to_be_free(node: Spot, capsys: pytest.CaptureFixture[str]) -> None:
    """The device is known and free: no error, and no table."""
    assert 0 == run(node, "dump --device GPU-b NODE")
    captured = capsys.readouterr()

    assert "GPU-b" in captured.out + captured.err
    assert "free" in captured.out + captured.err


def test_a_port_in_use_is_named(node: Spot, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = run(node, f"serve --web.listen-address=127.0.0.1:{port} NODE")
    error = capsys.readouterr().err

    assert 0 != code
    assert f"127.0.0.1:{port}" in error
    assert "in use" in error.lower()


def test_check_reports_a_missing_node_name_and_goes_on(node: Spot, capsys: pytest.CaptureFixture[str]) -> None:
    """The command of those whose installation is broken looks at everything else."""
    socket_flag = next(flag for flag in node.flags if flag.startswith("--kubelet.socket"))
    code = run(node, f"check {socket_flag}")
    out = capsys.readouterr().out

    assert code != 2
    assert "kubelet.list" in out
    assert "--node-name" in out


VERBS = [(hints, verb) for hints in (NODE, CLUSTER) for verb in hints]


@pytest.mark.parametrize(("hints", "verb"), VERBS)
def test_a_hint_names_a_flag_that_there_is(
    hints: Mapping[str, Mapping[str, str]], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And never one for a flag that exists."""
    with pytest.raises(SystemExit):
        (main if hints is NODE else kubectl_main)([verb, "--help"])
    text = capsys.readouterr().out

    for flag, hint in hints[verb].items():
        assert not flag or not re.search(rf"(?m)^  (-., )?{re.escape(flag)}\b", text)
        wanted = re.match(r"--[a-z.-]+", hint)
        assert wanted is None or f" {wanted[0]} " in text


def test_there_are_as_many_mistakes_as_were_promised() -> None:
    """59 of a first contact, and thirty more, twice."""
    assert 59 + 30 + 30 <= len(USAGE) + len(FAILURES) + len(HABITS)
