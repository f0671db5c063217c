"""A thread that runs queued jobs one at a time, like the kubelet's sync loop."""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Job = Callable[[], None]


class SyncLoop:
    """Runs jobs in the order in which they were given; every method may be called from any thread."""

    def __init__(self) -> None:
        """Run nothing yet; jobs may be given already."""
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._busy = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run jobs from now on; nothing happens where it runs already."""
        with self._changed:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._run, name="sim-sync-loop", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Finish the job under way and forget the others; may be called again."""
        with self._changed:
            self._stopping = True
            self._jobs.clear()
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def put(self, job: Job) -> None:
        """Run *job* after those that were given before."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget the jobs that have not begun."""
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()

    def settle(self) -> None:
        """Return once every job that was given has been done, or the loop is stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or not (self._jobs or self._busy))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._stopping)
                if self._stopping:
                    return
                job, self._busy = self._jobs.popleft(), True
            try:
                job()
            except Exception:
                log.exception("sim.job_failed")
