"""Mutation testing: plant bugs into copies of the package, and check that the storm finds them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from storm.violation import say

ROOT = Path(__file__).parents[2]
PACKAGE = "podres_exporter"
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Bug:
    """
    A change of one text, which must be there exactly once, in one file of the package.

    *invariant* is the one that must find it, where not any will do. *is_dra*: by the storm of slices and claims.
    *has_own_list*: pages are compared with a List of our own; else the exporter's own resync has to notice.
    """

    name: str
    file: str
    before: str
    after: str
    invariant: str = ""
    is_dra: bool = False
    has_own_list: bool = True


BUGS = (
    Bug(
        "what a kubelet has said is forgotten when it restarts",
        "allocation/cache.py",
        "        self.witness.start = Start(is_young)\n",
        "        self.witness.start = Start(is_young)\n        self.entries.clear()\n",
    ),
    Bug(
        "what is free is told before the exporter's own pod is known",
        "allocation/unknown.py",
        "    if not cache.witness.is_known or _is_late(cache, now):\n",
        "    if cache.witness.start.first_answer_at is None or _is_late(cache, now):\n",
        invariant="free",
    ),
    Bug(
        "a List without a pod ends what another kubelet has said",
        "allocation/rules.py",
        "        (Rule.DENIED, denials >= ENOUGH and not is_from_before),\n",
        "        (Rule.DENIED, denials >= ENOUGH),\n",
    ),
    Bug(
        "a pod that Get does not find ends at once",
        "allocation/rules.py",
        "        (Rule.DENIED, denials >= ENOUGH and not is_from_before),\n",
        "        (Rule.DENIED, denials >= 1),\n",
    ),
    Bug(
        "the answer to Get has the first container only",
        "allocation/cache.py",
        "        entry = self._entry(answer.pods[0], now)\n",
        "        entry = self._entry(replace(answer.pods[0], containers=answer.pods[0].containers[:1]), now)\n",
    ),
    Bug(
        "the answer to Get lacks the containers that hold nothing, which no figure shows",
        "allocation/cache.py",
        "        entry = self._entry(answer.pods[0], now)\n",
        "        holders = tuple(each for each in answer.pods[0].containers if not each.holds_nothing)\n"
        "        entry = self._entry(replace(answer.pods[0], containers=holders), now)\n",
    ),
    Bug(
        "the same, and only the exporter's own count of resync differences tells",
        "allocation/cache.py",
        "        entry = self._entry(answer.pods[0], now)\n",
        "        holders = tuple(each for each in answer.pods[0].containers if not each.holds_nothing)\n"
        "        entry = self._entry(replace(answer.pods[0], containers=holders), now)\n",
        invariant="resync",
        has_own_list=False,
    ),
    Bug(
        "news of pods is not asked for",
        "allocation/gets.py",
        "                self._due[key] = _Try(now, Why.NEWS)\n",
        "                self._asked_as[key] = content\n",
    ),
    Bug(
        "what two pods hold is not looked for",
        "join/doubles.py",
        "            yield from _several(Thing.DEVICE, resource, _device_holders(pods, resource))\n",
        "            yield from ()\n",
        invariant="converges",
    ),
    Bug(
        "where one device is held twice, all are counted",
        "join/doubles.py",
        "        if len({holder.pod_key for holder in found}) > 1:\n",
        "        if len(found) > 0:\n",
        invariant="twice",
    ),
    Bug(
        "free devices are counted, not told apart",
        "model/stock.py",
        "return self.reported - self.held - self.held_by_dra",
        "return frozenset(sorted(self.reported)[len(self.held) :])",
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
        "a call to the kubelet has no deadline",
        "sources/kubelet.py",
        "return method(request, timeout=self._timeout)",
        "return method(request)",
    ),
    Bug(
        "an error of Get ends the poll",
        "service/follower.py",
        "                self.cache.failed(key)\n                break",
        "                self.cache.failed(key)\n                raise",
    ),
    Bug(
        "a watch that has expired goes on from the version that is too old",
        "kube/reflector/state.py",
        'version = state.version if reason in RESUMABLE else ""',
        "version = state.version",
    ),
    Bug(
        "DRA: what is left is told although a claim has not been read",
        "join/dra.py",
        "        held.is_sure = held.is_sure and facts is not None\n",
        "",
        invariant="free",
        is_dra=True,
    ),
    Bug(
        "DRA: a claim that is made again under its name keeps the old one's devices",
        "kube/dra/claims.py",
        "    return not known or not now or bool(known & now)\n",
        "    return True\n",
        is_dra=True,
    ),
    Bug(
        "DRA: what the kubelet listed before its restart is not held",
        "join/dra.py",
        "    for view in pods:\n        for container in view.containers:\n            for listed",
        '    for view in (each for each in pods if each.mark.value == "current"):\n'
        "        for container in view.containers:\n            for listed",
        invariant="free",
        is_dra=True,
    ),
    Bug(
        "DRA: what an old retained pod held by a claim is free",
        "allocation/holdings.py",
        "            return held.driver, (held.driver, held.pool, held.device) if is_whole else ()\n",
        '            return "", (held.driver, held.pool, held.device) if is_whole else ()\n',
        invariant="free",
        is_dra=True,
    ),
)


def plant(bug: Bug, directory: Path) -> None:
    """
    Copy the package into *directory*, with the bug if it has a file.

    Raises ValueError where its text is not there exactly once.
    """
    shutil.copytree(ROOT / PACKAGE, directory / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    if not bug.file:
        return
    file = directory / PACKAGE / bug.file
    text = file.read_text(encoding="utf-8")
    check(bug, text)
    file.write_text(text.replace(bug.before, bug.after), encoding="utf-8")


def check(bug: Bug, text: str) -> None:
    """Raise ValueError where the bug cannot be planted into the text."""
    count = text.count(bug.before)
    if count != 1:
        raise ValueError(f"{bug.file} has the text of the planted bug {bug.name!r} {count} times: write it anew")


def find_all(seed: int, steps: int, only: str = "") -> int:
    """
    Return 0 where the storm finds every bug; print which invariant did, and after how many steps.

    *only* is a part of the names of those that are planted. Without any bug the same storms must find nothing for as
    many steps as it took to find the last of them, or nothing is proved.
    """
    bugs = [bug for bug in BUGS if only in bug.name]
    found = {bug: count for bug in bugs if (count := _found_after(bug, seed, steps)) is not None}
    say(f"{len(found)} of {len(bugs)} planted bugs found; seed {seed}")
    is_clean = True
    for is_dra in (False, True):
        most = max((count for bug, count in found.items() if bug.is_dra == is_dra), default=0)
        none = Bug(f"no bug, {'DRA' if is_dra else 'pods and devices'}", "", "", "", is_dra=is_dra)
        is_clean = (not most or _found_after(none, seed, most) is None) and is_clean
    return 0 if is_clean and len(found) == len(bugs) else 1


def _found_after(bug: Bug, seed: int, steps: int) -> int | None:
    """
    Return after how many steps a storm over the planted bug found it, and print that; None where it did not.

    It runs in a process of its own.
    """
    with tempfile.TemporaryDirectory(prefix="planted") as name:
        plant(bug, Path(name))
        command = [sys.executable, str(Path(__file__).with_name("run.py")), "--reduce", "0"]
        command += ["--seed", str(seed), "--steps", str(steps)]
        command += ["--dra", "--per-example", "40"] if bug.is_dra else []
        command += [] if bug.has_own_list else ["--no-own-list"]
        environment = {**os.environ, "PYTHONPATH": name, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
        if f"{PACKAGE} of {name}" not in run.stdout:
            raise RuntimeError(f"the copy was not used:\n{run.stdout}{run.stderr}")
    found = re.search(r"VIOLATION of (\S+) after (\d+) steps", run.stdout)
    exit_code_fits = run.returncode == (1 if found else 0)
    if not exit_code_fits:
        raise RuntimeError(f"the storm broke down over {bug.name!r}:\n{run.stdout}{run.stderr}")
    result = f"found by {found[1]} after {found[2]} steps" if found else f"NOT FOUND in {steps} steps"
    say(f"{bug.name:80} {result}")
    return int(found[2]) if found is not None and bug.invariant in {"", found[1]} else None
