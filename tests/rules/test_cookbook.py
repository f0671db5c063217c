"""Cookbook queries that depend on time, run by promtool's unit tests."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from promql_rig import cookbook_queries, tool

XID = next(each.text for each in cookbook_queries() if each.where.startswith("device errors of the last day"))


def series(metric: str, values: str, **labels: str) -> dict[str, str]:
    """Return a series of promtool: a value each 30 s, `_` where there is none."""
    text = ",".join(f"{name}={json.dumps(each)}" for name, each in labels.items())
    return {"series": f"{metric}{{{text}}}", "values": values}


def held(pod: str, values: str, *, device: str = "GPU-7", **more: str) -> list[dict[str, str]]:
    """Return the series of a GPU that a pod holds, of two targets of its node."""
    labels = {"node": "n1", "namespace": "ml", "pod": pod, "container": "main", "device_base": device, **more}
    return [series("podres_container_device_info", values, instance=each, **labels) for each in "ab"]


def errors(values: str, *, device: str = "GPU-7", **more: str) -> list[dict[str, str]]:
    """Return what dcgm-exporter says of the GPU, with the pod labels that it has by then."""
    return [series("DCGM_FI_DEV_XID_ERRORS", values, UUID=device, pod="dcgm", instance=each, **more) for each in "cd"]


def named(tmp_path: Path, given: Sequence[Mapping[str, str]], expected: Mapping[str, float]) -> None:
    """Fail unless the query, asked at minute 100, names exactly these pods, each with its XID."""
    labels = 'node="n1",namespace="ml",container="main",UUID="GPU-7"'
    samples = [{"labels": f'{{pod="{pod}",{labels}}}', "value": xid} for pod, xid in expected.items()]
    check = {"expr": XID, "eval_time": "100m", "exp_samples": samples}
    test = {"interval": "30s", "input_series": given, "promql_expr_test": [check]}
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps({"rule_files": [], "tests": [test]}))
    done = subprocess.run([tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr), done.stdout + done.stderr


def test_an_error_is_blamed_on_who_held_the_gpu_then(tmp_path: Path) -> None:
    """Pod `then` to minute 20, XID 79 at 15.5 and from then on, pod `now` from minute 25."""
    given = [*held("then", "1x39 _x200"), *held("now", "_x49 1x160"), *errors("0x30 79x180")]

    named(tmp_path, given, {"then": 79})


@pytest.mark.parametrize("after", [1, 2, 3])
def test_who_gets_the_gpu_right_after_the_error_is_innocent(tmp_path: Path, after: int) -> None:
    """A job that is made again takes the same GPU half a minute later."""
    given = [
        *held("then", f"1x{30 + after} stale"),
        *held("now", f"_x{31 + after} 1x160"),
        *errors("0x30 79x180"),
    ]

    named(tmp_path, given, {"then": 79})


def test_who_has_only_just_got_a_free_gpu_is_named(tmp_path: Path) -> None:
    """The program fails as soon as it starts; a minute before, the GPU was free."""
    given = [*held("new", "_x30 1x100"), *errors("0x30 79x180")]

    named(tmp_path, given, {"new": 79})


def test_two_errors_in_two_minutes_are_two(tmp_path: Path) -> None:
    """The gauge has the last XID; each of its changes counts."""
    given = [*held("first", "1x61 stale"), *held("second", "_x62 1x160"), *errors("0x30 31x30 0x4 45x150")]

    named(tmp_path, given, {"first": 31, "second": 45})


def test_no_error_blames_nobody_and_another_cluster_is_not_asked(tmp_path: Path) -> None:
    """The same UUID in two clusters is a copied test bed, and an old XID is no new one."""
    given = [
        *held("there", "1x200", cluster="east"),
        *errors("0x30 79x180", cluster="west"),
        *held("long", "1x200", device="GPU-8"),
        *errors("79x200", device="GPU-8"),
    ]

    named(tmp_path, given, {})


def test_promtool_would_notice_the_wrong_pod(tmp_path: Path) -> None:
    """A test that is never seen to fail proves nothing."""
    with pytest.raises(AssertionError, match="FAILED"):
        named(tmp_path, [*held("then", "1x200"), *errors("0x30 79x180")], {"now": 79})
