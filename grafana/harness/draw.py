"""
Draw the dashboards as PNGs with Grafana's own panel components: `python grafana/harness/draw.py --output DIRECTORY`.

A look for people, not a test: it needs npm, Debian's chromium and prometheus, and half a gigabyte of packages. Run
`npm install --legacy-peer-deps` in this directory first. The pages are drawn from what the same cluster shows that the
tests of the queries watch. Stat, bar gauge, table and time series are Grafana's; the page around them is not.
"""

# ruff: noqa: INP001, S603  # a script, not part of the package; it starts what it names

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("rigs", "rigs/programs", "samples", "grafana"))]


def collected(seconds: int) -> dict[str, Any]:
    """Return every board with what Prometheus answers to its panels, after so many seconds."""
    from observed_rig import asked, observed, wait_until  # noqa: PLC0415
    from promql_rig import BOARDS, panels  # noqa: PLC0415
    from test_queries import substituted  # noqa: PLC0415

    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in BOARDS.glob("*.json")}
    boards = {}
    with (
        tempfile.TemporaryDirectory(prefix="pr") as short,
        tempfile.TemporaryDirectory() as directory,
        observed(Path(short), Path(directory)) as port,
    ):
        wait_until(lambda: False, seconds)
        end = float(asked(port, "query", query="time()")["result"][0])
        span = {"start": str(end - seconds), "end": str(end), "step": "1"}
        for uid, board in documents.items():
            results = {}
            for panel in panels(board):
                query = substituted(panel["targets"][0]["expr"], board)
                instant = panel["targets"][0].get("instant")
                path, times = ("query", {}) if instant else ("query_range", span)
                results[panel["id"]] = asked(port, path, query=query, **times)["result"]
            boards[uid] = {"board": board, "results": results}
    return {"boards": boards, "from": end - seconds, "to": end}


def main() -> None:
    """Collect, build, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="keep what was collected in this file, or take it from there")
    parser.add_argument("--seconds", type=int, default=75, help="of the demo before it is drawn")
    parser.add_argument("--modules", type=Path, default=HERE, help="where npm has installed the packages")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.data and arguments.data.exists():
        data = json.loads(arguments.data.read_text(encoding="utf-8"))
    else:
        data = collected(arguments.seconds)
        if arguments.data:
            arguments.data.write_text(json.dumps(data), encoding="utf-8")
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for name in ("index.html", "vite.config.js", "package.json", "src"):
            copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
            copy(HERE / name, work / name)
        (work / "node_modules").symlink_to((arguments.modules / "node_modules").absolute())
        subprocess.run([work / "node_modules" / ".bin" / "vite", "build", "--logLevel=error"], cwd=work, check=True)
        page = (work / "dist" / "index.html").read_text(encoding="utf-8")
        script = f"<script>window.COLLECTED = {json.dumps(data).replace('</', '<' + chr(92) + '/')}</script>"
        (work / "dist" / "index.html").write_text(page.replace("<head>", f"<head>{script}"), encoding="utf-8")
        handler = functools.partial(_Quiet, directory=str(work / "dist"))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # a browser loads no modules from files
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for uid, each in data["boards"].items():
            height = max((p["gridPos"]["y"] + p["gridPos"]["h"]) * 38 for p in _panels(each["board"])) + 80
            subprocess.run(
                [
                    shutil.which("chromium") or "chromium",
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--hide-scrollbars",
                    f"--user-data-dir={work / 'profile'}",
                    f"--window-size=1600,{height}",
                    "--virtual-time-budget=15000",
                    f"--screenshot={arguments.output.absolute() / uid}.png",
                    f"http://127.0.0.1:{server.server_address[1]}/index.html?board={uid}",
                ],
                check=True,
                stderr=subprocess.DEVNULL,
            )
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for top in board["panels"] for each in (top, *(top.get("panels") or ()))]


if __name__ == "__main__":
    main()
