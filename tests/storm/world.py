"""The world of a storm: node, exporter and oracle, which judges the page after every step."""

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Self

from eventually import eventually
from storm.clock import StormClock
from storm.exporter import HOLD_SECONDS, INTERVAL_SECONDS, MAX_AGE_SECONDS, Exporter
from storm.facts import PodKey, pod_of
from storm.node import BROKEN, DEVICES, StormNode
from storm.oracle import Oracle, Poll
from storm.page import OPENMETRICS, TEXT, Document, Page
from storm.violation import Violation

Step = tuple[Any, ...]
"""What happens, and its arguments: strings, numbers, lists of strings."""

_AHEAD_SECONDS = 0.0
_CALM_ROUNDS = 40
_PARALLEL = 5
_REFRESHES, _SOON_SECONDS = 8, 1.5
_GET_RELEASE = 34
"""The first that serves Get without being asked to."""
_GOOD_POLLS = 2
"""Polls of a healthy node, an interval apart, after which nothing of a fault before is left to be tried again."""
_SPARE_THREADS = 6
"""gRPC and the pools keep a few threads after their last use."""


class World:
    """
    Use as a context manager. `do` carries out one step and raises Violation where an invariant breaks.

    Without `has_own_list` pages are not compared with what a List would say: the exporter's own resync has to notice.
    """

    has_own_list: ClassVar = True

    def __init__(
        self, release: int = 36, *, metadata: bool = True, pods_api: bool = False, kept: Counter[str] | None = None
    ) -> None:
        """
        Start a node of a kubelet release, and the exporter; *kept* counts the steps, pages and faults.

        *metadata* comes from the API server, or from the *pods_api*.
        """
        self.counts = Counter[str]() if kept is None else kept
        self.trace: list[Step] = []
        self._stack = ExitStack()
        self.release, self.metadata, self.pods_api = release, metadata, pods_api
        self._synced_at = 0.0
        self._threads = threading.active_count()
        self._stack.callback(self._judge_threads)
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pr")))
        self.clock = StormClock(_AHEAD_SECONDS)
        self.node = StormNode(directory, self.clock, release, pods_api=pods_api)
        self._stack.callback(self.node.stop)
        devices = {resource: len(found) for resource, found in DEVICES.items()}
        self.oracle = Oracle(HOLD_SECONDS, MAX_AGE_SECONDS, devices)
        self.exporter = self._exporter()
        self._stack.callback(self._stop_exporter)
        self._trusted: dict[str, PodKey] = {}
        self._pages = 0
        self._good_polls, self._good_at, self._is_asked = 0, 0.0, False
        self._rules: Mapping[str, Callable[..., None]] = {
            "create": self.node.create,
            "delete": self.node.delete,
            "recreate": self.node.recreate,
            "finish": self.node.finish,
            "double": self.node.double,
            "kill_plugin": self.node.kill_plugin,
            "start_plugin": self.node.start_plugin,
            "sicken": self.node.sicken,
            "heal": self.node.heal,
            "remove_device": self.node.remove_device,
            "restore_devices": self.node.restore_devices,
            "restart_kubelet": self._restart_kubelet,
            "restart_slowly": self._restart_slowly,
            "kill_kubelet": self._kill_kubelet,
            "recall": self.node.recall,
            "lift": self._lift,
            "hang": lambda on: self.node.hang(on=on),
            "throttle": lambda on: self.node.throttle(on=on),
            "spoil": self.node.spoil,
            "break_rows": self._break_rows,
            "mend": self.node.mend,
            "refuse": self._refuse,
            "break_watch": self._break_watch,
            "api_down": self._api_down,
            "mend_api": self.node.mend_api,
            "compact": self.node.compact,
            "refuse_pods_api": self.node.refuse_pods_api,
            "end_stream": self.node.end_stream,
            "kill_pods_api": self.node.kill_pods_api,
            "mend_pods_api": self.node.mend_pods_api,
            "later": self._let_time_go_by,
            "set_wall": self._set_wall,
            "poll": self._poll,
            "refresh": self._refresh,
            "scrape_at_once": self._scrape_at_once,
            "restart_exporter": self._restart_exporter,
        }

    def __enter__(self) -> Self:
        """Return the world before the first poll."""
        self._observe()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End everything; where all went well, the threads must have ended too."""
        self._failed = kind is not None
        self._stack.close()

    def do(self, step: Step) -> None:
        """Carry out a step and look at the page."""
        name, *arguments = step
        self.trace.append(step)
        self.counts[f"step {name}"] += 1
        self._polled: Poll | None = None
        is_good = self._is_good()
        self._rules[name](*arguments)
        self._is_asked = is_good and name in {"poll", "refresh", "scrape_at_once"}
        self._observe()

    def calm(self) -> None:
        """Lift every fault and let time go by; raises Violation where the page does not become the truth."""
        self._lift()
        self._polled = None
        self._observe()
        problem = ""
        for _ in range(_CALM_ROUNDS):
            self._settle()
            self._poll(31.0)
            problem = self.oracle.is_calm(self._observe(), self._is_over) or self._metadata_problem()
            if not problem:
                self._judge_own_list()
                return
        raise Violation("converges", problem)

    def _judge_own_list(self) -> None:
        """Raise Violation where a List of our own says something else than the page."""
        page, listed = self.exporter.page(TEXT), self.node.listed()
        if {fact for fact in listed if not self._is_over(pod_of(fact))} != page.facts:
            raise Violation("resync", f"List says {sorted(listed)} and the page {sorted(page.facts)}")

    # Steps that are more than one thing

    def _lift(self) -> None:
        """Lift every fault of the kubelet and of the source of metadata."""
        self.node.hang(on=False)
        self.node.throttle(on=False)
        self.node.mend()
        self.node.mend_api()
        if self.pods_api:
            self.node.mend_pods_api()
        self.node.recall()
        if not self.node.serving or self.node.has_lacked_methods:  # only a new kubelet is asked again for those
            self._restart_kubelet([], "all")

    def _poll(self, seconds: float) -> None:
        """
        Let time go by and poll.

        Again where the kubelet is well and the exporter has not heard it: gRPC takes a moment to see that it is back,
        and on a busy machine an answer may miss the deadline, which is real time.
        """
        self._let_time_go_by(seconds)
        self._settle()
        self.node.go_on_hearing(before=True)
        is_well = self.node.is_well
        for _ in range(400):
            self.node.heard.clear()
            self.exporter.tick()
            self.counts["polls"] += 1
            if not is_well or self.exporter.has_heard:
                break
            threading.Event().wait(0.01)
        self.counts["lists"] += len(self.node.heard.lists)
        self._note_kubelet()
        if self.clock.monotonic_seconds() - self._good_at >= INTERVAL_SECONDS:
            self._good_polls, self._good_at = self._good_polls + 1, self.clock.monotonic_seconds()
        self._polled = Poll(self.node.serving, is_well, self.node.knows_its_pods)
        self.node.go_on_hearing(before=False)
        self._do_what_is_due()

    def _let_time_go_by(self, seconds: float) -> None:
        """
        Let time go by.

        Nobody but the kubelet tells an exporter on the Pods API of pods, so a kubelet that has had a part of them for
        the hold-down cannot be told from one that has all, by an exporter that has just started (see
        `_restart_slowly`): it has them all by then.
        """
        self.clock.advance(seconds)
        is_old = self.node.kubelet_age() >= HOLD_SECONDS
        if self.pods_api and is_old and not self.node.knows_its_pods and not self._shows_free():
            self.node.recall()

    def _shows_free(self) -> bool:
        return bool(self.exporter.page(TEXT).by_resource("free"))

    def _do_what_is_due(self) -> None:
        """Let the loop do between two polls what it would do at once."""
        for _ in range(_REFRESHES):
            due = self.exporter.due()
            if due > _SOON_SECONDS:
                return
            self.clock.advance(max(0.5, due))
            self.exporter.refresh()
            self._note_kubelet()

    def _refresh(self) -> None:
        """Follow the news of single pods, as the poll loop does when it is woken."""
        self.clock.advance(0.5)
        self.node.heard.clear()
        self.exporter.refresh()
        self._note_kubelet()
        self.counts["pods got by refreshes"] += len(self.node.heard.gets)

    def _scrape_at_once(self) -> None:
        """Let several scrape while a poll goes on."""
        with ThreadPoolExecutor(_PARALLEL, "scraper") as pool:
            pages = [
                pool.submit(self.exporter.fresh_page, OPENMETRICS if number % 2 else TEXT)
                for number in range(_PARALLEL)
            ]
            self._poll(INTERVAL_SECONDS)
            found = [each.result() for each in pages]
        self.counts["pages"] += len(found)
        for page in found:
            self.oracle.judge_passing(page)

    def _note_kubelet(self) -> None:
        if self.node.serving:
            self.oracle.was_up(self.clock.monotonic_seconds())

    def _restart_kubelet(self, window: list[str], then: str) -> None:
        """
        Restart the kubelet.

        It has its pods at once where an exporter on the Pods API has not heard of all of them: nobody else tells of
        what a kubelet that ends has not told.
        """
        is_told = self._is_told()
        self._take_news()
        self._good_polls = 0
        self.node.restart_kubelet(window if is_told else [], then if is_told else "all")

    def _kill_kubelet(self, with_socket: bool) -> None:
        self._take_news()
        self.node.kill_kubelet(with_socket=with_socket)

    def _take_news(self) -> None:
        """Let an exporter on the Pods API take what it has been told, as it does at once: its source ends with this."""
        if self.pods_api:
            self._refresh()

    def _is_told(self) -> bool:
        return not self.pods_api or self._has_caught_up()

    def _restart_slowly(self) -> None:
        """
        Restart the kubelet, which stays with a part of its pods.

        Left out where nobody can tell the exporter of the rest: it goes without metadata, or has just started.
        """
        if self.metadata and self._shows_free() and self._is_told():
            self._take_news()
            self.node.restart_kubelet([], "half")

    def _restart_exporter(self) -> None:
        """Replace the exporter's process."""
        self.exporter.stop()
        self.oracle.begin_life()
        self.exporter = self._exporter()
        self._trusted = {}
        self._good_polls = 0

    def _set_wall(self, seconds: float) -> None:
        """Set the wall clock; monotonic time does not notice."""
        self.clock.set_wall(seconds)

    def _break_rows(self) -> None:
        self.node.broken_rows = True

    def _refuse(self, verb: str, how: str) -> None:
        self.node.refuse(verb, how)
        self.node.cut()
        self._watch_ends()

    def _break_watch(self, how: str) -> None:
        if self.node.break_watch(how):
            self._watch_ends()

    def _api_down(self) -> None:
        self.node.api_down()
        self._watch_ends()

    # Looking

    def _observe(self) -> Page:
        """Judge the page as it is now."""
        now = self.clock.monotonic_seconds()
        self.oracle.is_true(self.node.truth(), now)
        self._settle()
        self._pages += 1
        page = self.exporter.page(TEXT if self._pages % 2 else OPENMETRICS, gzip=self._pages % 3 == 0)
        self.counts["pages"] += 1
        self.counts["facts"] += len(page.facts)
        for labels, value in page.rows("podres_snapshot_held"):
            self.counts[f"pages with {labels['part']} held"] += int(value)
        for labels, value in page.rows("podres_snapshot_stale"):
            self.counts[f"pages with {labels['part']} stale"] += int(value)
        if page.value("podres_loop_errors_total") != 0:
            raise Violation("raised", f"a poll ended in an unexpected error\n{''.join(self.exporter.tracebacks.found)}")
        if page.value("podres_kubelet_resync_differences_total") != 0:
            raise Violation("resync", "a resync has told what no event explains")
        if self.exporter.tracebacks.found:
            raise Violation("raised", f"an error was logged\n{''.join(self.exporter.tracebacks.found)}")
        self.oracle.judge(page, now, poll=self._polled_now(), excused=self._excused())
        told = self.exporter.document()
        if (told is None and page.has_allocation) or (told.facts if told else frozenset()) != page.facts:
            raise Violation("agrees", f"page {sorted(page.facts)}, document {told and sorted(told.facts)}")
        self._judge_promptness(page, told)
        self.exporter.probe()
        return page

    def _is_good(self) -> bool:
        """Return whether the exporter can ask for all news at once: it follows the metadata, and all is well."""
        if not self.metadata or self.release < _GET_RELEASE:
            return False
        metadata = self.exporter.metadata()
        is_followed = metadata is not None and metadata.synced and self._has_caught_up()
        return is_followed and self.node.is_well and self.node.knows_its_pods

    def _judge_promptness(self, page: Page, told: Document | None) -> None:
        """
        Raise Violation where the exporter has asked for all news, and the page differs from what a List would say.

        What is held is shown besides for its time.
        """
        is_good, self._is_asked = self._is_asked and self._is_good(), False
        if not self._is_good():
            self._good_polls = 0
        if not (self.has_own_list and is_good) or self._good_polls < _GOOD_POLLS:
            return
        if self.exporter.due() <= _SOON_SECONDS:
            return
        self.counts["pages that are the truth at once"] += 1
        listed = {fact for fact in self.oracle.listed if not self._is_over(pod_of(fact))}
        containers = {each for each in self.node.containers() if not self._is_over(each[:2])}
        is_held = page.value("podres_snapshot_held", part="pods") != 0
        for what, should, shown in (
            ("holders", listed, page.facts),
            ("containers", containers, told and told.containers),
        ):
            # A static pod without a mirror pod is asked for in turn only.
            more = {each for each in (shown or frozenset()) - should if BROKEN not in each}
            if should - (shown or frozenset()) or (more and not is_held):
                raise Violation("prompt", f"{what} are {sorted(shown or ())} and should be {sorted(should)}")

    def _polled_now(self) -> Poll | None:
        """Return the poll that was just made, once."""
        polled, self._polled = self._polled, None
        return polled

    _polled: Poll | None = None
    _failed = False

    def _stop_exporter(self) -> None:
        """Stop the one that runs at the end."""
        self.exporter.stop()

    def _exporter(self) -> Exporter:
        node = self.node
        source = node.live.pods_api.socket_path if self.pods_api else node.kubeconfig
        return Exporter(
            node.live.socket_path, node.live.sysfs, source if self.metadata else None, self.clock, node.births
        )

    def _settle(self) -> None:
        """Wait until the watch has nothing to do, and note of which pods the exporter must know that they run."""
        if not self.metadata:
            return
        if self.pods_api:
            self._resync_pods_api()
        running = {uid: key for key, (uid, ended) in self.node.pods().items() if not ended}
        if not eventually(self._is_quiet, 1500):
            self.counts["unsettled"] += 1
        known = running.keys() if self._has_caught_up() else self._trusted.keys() & running.keys()
        self._trusted = {uid: running[uid] for uid in known}

    def _resync_pods_api(self) -> None:
        """
        End the stream where the exporter would by the storm's time, which its timer does not know.

        That is after the resync interval, and after the hold-down of a kubelet that has restarted.
        """
        now = self.clock.monotonic_seconds()
        if now - self._synced_at > HOLD_SECONDS and not self.clock.waits("podsapi"):
            self._synced_at = now
            self.node.end_stream("too slow")
            eventually(lambda: self.clock.waits("podsapi"), 200)
            self.clock.advance(1.0)

    def _is_quiet(self) -> bool:
        if self.pods_api:
            return self.clock.waits("podsapi") or self._has_caught_up()
        return self.node.is_stalled or self.clock.waits("watch") or self._has_caught_up()

    def _has_caught_up(self) -> bool:
        """Return whether the exporter knows the pods as they are, and follows them."""
        metadata = self.exporter.metadata()
        assert metadata is not None
        known = {key: (meta.uid, meta.phase) for key, meta in metadata.pods.items()}
        if self.pods_api:
            # What is known besides has finished, or is kept for a kubelet that does not know all of its pods again.
            told, ended = self.node.told_phases(), {"Succeeded", "Failed"}
            is_kept = not self.node.knows_its_pods or self.clock.monotonic_seconds() - self._synced_at <= HOLD_SECONDS
            more = {key for key, (_, phase) in known.items() if key not in told and phase not in ended}
            return metadata.is_up and told.items() <= known.items() and (is_kept or not more)
        return known == self.node.phases() and self.node.live.api.faults.open_watches > 0 and metadata.is_up

    def _watch_ends(self) -> None:
        """Wait until the exporter has noticed that its watch is over."""
        if self.metadata and not self.pods_api and not eventually(lambda: self.clock.waits("watch"), 2000):
            self.counts["unsettled"] += 1

    def _excused(self) -> set[str]:
        """
        Return the pods, by UID, of which the API server may have told the exporter that they are over, or nothing.

        Not where another has the name, and the kubelet has only heard of the one before: it still says what that holds.
        """
        instances = self.node.instances() if self.metadata else {}
        names = set(self._trusted.values())
        return {
            uid
            for uid, key in instances.items()
            if uid not in self._trusted and not (self.node.has_heard_of(uid) and key in names)
        }

    def _is_over(self, key: PodKey) -> bool:
        """Return whether the API server says that the pod has ended."""
        return self.metadata and self.node.pods().get(key, ("", False))[1]

    def _metadata_problem(self) -> str:
        """Return what the page says wrongly of the pods' metadata."""
        if not self.metadata:
            return ""
        page = self.exporter.page(TEXT)
        if page.value("podres_metadata_synced") != 1 or page.value("podres_source_up", source="metadata") != 1:
            return "the metadata are not followed"
        shown = {labels["pod"]: labels["uid"] for labels, _ in page.rows("podres_pod_info")}
        holders = {fact[2] for fact in page.facts}
        uids = {name: uid for (_, name), (uid, _) in self.node.pods().items() if name in holders}
        wrong = {name for name, uid in uids.items() if shown.get(name) != uid}
        return f"podres_pod_info has another uid of {sorted(wrong)}" if wrong else ""

    def _judge_threads(self) -> None:
        """Raise Violation where threads outlive what they worked for."""
        if not self._failed and not eventually(
            lambda: threading.active_count() <= self._threads + _SPARE_THREADS, 5000
        ):
            names = sorted(thread.name for thread in threading.enumerate())
            raise Violation("returned", f"{self._threads} threads before, now {names}")
