"""The flags of `who`: times and contradictions, with all errors at once."""

from pathlib import Path

import pytest

from podres_exporter.cli import kubectl_main, main


def faults(capsys: pytest.CaptureFixture[str], *flags: str, url: str = "--prometheus=http://p") -> list[str]:
    """Return what is wrong with a command line."""
    assert 2 == main(["who", "GPU", *([url] if url else []), *flags])
    *found, hint = capsys.readouterr().err.splitlines()
    assert "podres-exporter: see podres-exporter who --help" == hint
    return [each.removeprefix("podres-exporter: ") for each in found]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--at", "noon"], "--at: 'noon' is not a time; write for example 03:12, -2h,"),
        (["--at", "2099-01-01"], "--at: 2099-01-01T00:00:00"),
        (["--at", "-1h", "--since", "-2h"], "--at: cannot be combined with --since and --until; use one or the"),
        (["--until", "-1h"], "--until: needs --since; for a single point in time use --at"),
        (["--since", "-1h", "--until", "-2h"], "--since: "),
        (["-o", "wide"], "-o: 'wide' is unknown; choose table or json"),
        (["-o", "json", "--no-headers"], "--no-headers: is for tables and cannot be combined with -o json"),
        (["-o", "json", "--sort-by=POD"], "--sort-by: is for tables and cannot be combined with -o json"),
        (["--sort-by=CPUS"], "--sort-by: 'CPUS' is not a column of this table; choose CLUSTER, NODE, STATE"),
        (["--node="], "--node: the name is empty; omit the flag for all"),
        (["--timeout=0s"], "--timeout: '0s' is too short; the minimum is 100ms"),
        (["--insecure"], "--insecure: needs an https URL: --prometheus https://..."),
        (
            ["--password-file=x"],
            "--password-file: --prometheus must have a user and no password: http://USER@HOST:9090",
        ),
        (["--bearer-token-file=/nowhere"], "--bearer-token-file: '/nowhere' cannot be read: No such file"),
        (["--step=1"], "who has no flag --step"),
        (["GPU-2"], "who takes no argument 'GPU-2'"),
    ],
)
def test_a_fault_is_named_with_what_would_be_right(
    flags: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [expected] == [each[: len(expected)] for each in faults(capsys, *flags)]


def test_all_faults_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = faults(capsys, "--at=x", "-o=y", url="")

    assert ["-o:", "--at:", "--prometheus:"] == [each.split()[0] for each in found]
    assert "is missing; write for example --prometheus http://prometheus:9090, or set PODRES_PROMETHEUS" in found[2]


def test_a_user_and_a_token_are_one_too_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text("ä\n")

    assert [
        "--bearer-token-file: cannot be combined with a user in --prometheus",
        "--bearer-token-file: the token is not a single line of ASCII",
    ] == faults(capsys, f"--bearer-token-file={tmp_path / 'token'}", url="--prometheus=http://me:pw@p")


def test_the_device_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """By its help, the plugin is called as the user called it."""
    assert [2, 2] == [main(["who"]), kubectl_main(["who"])]
    assert "the following arguments are required: DEVICE" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        kubectl_main(["who", "--help"])
    assert "  kubectl podres who GPU-7f3c --at 03:12 --prometheus http://prometheus:9090\n" in capsys.readouterr().out
