"""Bugs planted on purpose into copies of the package, and whether the storm finds them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from storm.say import say

ROOT = Path(__file__).parents[2]
PACKAGE = "podres_exporter"
TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Bug:
    """A change of one text, which must be there exactly once, in one file of the package."""

    name: str
    file: str
    before: str
    after: str


BUGS = (
    Bug(
        "the answers of a kubelet that has restarted are believed at once",
        "service/believed.py",
        "if asked.restarted or young:",
        "if young:",
    ),
    Bug(
        "a restarted kubelet is believed as soon as it lists anything",
        "join/holddown.py",
        "    if agrees:\n",
        "    if agrees or not empty:\n",
    ),
    Bug(
        "an exporter that starts beside a young kubelet believes its first answer",
        "service/believed.py",
        "if asked.restarted or young:",
        "if asked.restarted:",
    ),
    Bug(
        "the answer to Get replaces a pod without its second container",
        "join/amend.py",
        "            pods[key] = pod\n",
        "            pods[key] = replace(pod, containers=pod.containers[:1])\n",
    ),
    Bug(
        "a pod that Get does not find takes the next one with it",
        "join/amend.py",
        "            pods.pop(key, None)\n",
        "            pods.pop(key, None)\n            pods.popitem() if pods else None\n",
    ),
    Bug(
        "free devices are counted, not told apart",
        "model/snapshot.py",
        "return None if self.reported is None else self.reported - self.held",
        "return None if self.reported is None else frozenset(sorted(self.reported)[len(self.held) :])",
    ),
    Bug(
        "counters begin anew when the kubelet does",
        "exposition/own.py",
        "        self._restarts.inc()\n",
        "        self._restarts.inc()\n        self._rpcs.clear()\n",
    ),
    Bug(
        "a page that nobody renews does not expire",
        "exposition/page.py",
        "if snapshot.allocation is not None and now >= published.expires_at_seconds:",
        "if snapshot.allocation is not None and now < 0:",
    ),
    Bug(
        "the document does not expire with the page",
        "exposition/document.py",
        "if document.snapshot.allocation is not None and now >= expires_at_seconds:",
        "if document.snapshot.allocation is not None and now < 0:",
    ),
    Bug(
        "ages are measured on the wall clock",
        "service/poller.py",
        "self._questions.ask()\n        now = self._clock.monotonic_seconds()",
        "self._questions.ask()\n        now = self._clock.wall_seconds()",
    ),
    Bug(
        "a call to the kubelet has no deadline",
        "sources/kubelet.py",
        "return method(request, timeout=self._timeout)",
        "return method(request)",
    ),
    Bug(
        "a failing List leaves the last answer fresh",
        "service/believed.py",
        "            self._pods.missed()\n",
        "",
    ),
    Bug(
        "pods are left out by the word of an API server that is not followed any more",
        "join/allocation.py",
        "synced = metadata is not None and metadata.synced",
        "synced = metadata is not None",
    ),
    Bug(
        "an error of Get ends the refresh",
        "service/poller.py",
        '"detail": error.detail})\n                break',
        '"detail": error.detail})\n                raise',
    ),
    Bug(
        "a watch that has expired goes on from the version that is too old",
        "kube/reflection.py",
        'version = state.version if reason in RESUMABLE else ""',
        "version = state.version",
    ),
)


def plant(bug: Bug, directory: Path) -> None:
    """Copy the package into *directory*, with the bug. Raises ValueError where its text is not there exactly once."""
    shutil.copytree(ROOT / PACKAGE, directory / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    file = directory / PACKAGE / bug.file
    text = file.read_text(encoding="utf-8")
    check(bug, text)
    file.write_text(text.replace(bug.before, bug.after), encoding="utf-8")


def check(bug: Bug, text: str) -> None:
    """Raise ValueError where the bug cannot be planted into the text."""
    count = text.count(bug.before)
    if count != 1:
        raise ValueError(f"{bug.file} has the text of the planted bug {bug.name!r} {count} times: write it anew")


def find_all(seed: int, steps: int) -> int:
    """Return 0 where the storm finds every bug; print which invariant did, and after how many steps."""
    missed = [bug.name for bug in BUGS if not _finds(bug, seed, steps)]
    say(f"{len(BUGS) - len(missed)} of {len(BUGS)} planted bugs found; seed {seed}")
    return 1 if missed else 0


def _finds(bug: Bug, seed: int, steps: int) -> bool:
    """Run a storm over the planted bug in a process of its own, and print what came of it."""
    with tempfile.TemporaryDirectory(prefix="planted") as name:
        plant(bug, Path(name))
        command = [sys.executable, str(Path(__file__).with_name("run.py")), "--reduce", "0"]
        environment = {**os.environ, "PYTHONPATH": name, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(
            [*command, "--seed", str(seed), "--steps", str(steps)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        if f"{PACKAGE} of {name}" not in run.stdout:
            raise RuntimeError(f"the copy was not used:\n{run.stdout}{run.stderr}")
    found = re.search(r"VIOLATION of (\S+) after (\d+) steps", run.stdout)
    exit_code_fits = run.returncode == (1 if found else 0)
    if not exit_code_fits:
        raise RuntimeError(f"the storm broke down over {bug.name!r}:\n{run.stdout}{run.stderr}")
    result = f"found by {found[1]} after {found[2]} steps" if found else f"NOT FOUND in {steps} steps"
    say(f"{bug.name:80} {result}")
    return found is not None
