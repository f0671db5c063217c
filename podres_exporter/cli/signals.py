"""Signal handling: Ctrl-C ends a one-shot command at once; SIGTERM or SIGINT ends a long-running command."""

import atexit
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_TERMINATED = 128 + signal.SIGTERM
"""The exit code that shells report for a command ended by Ctrl-C."""

GRACE_SECONDS = 1.0
"""How long an interrupted command may take to clean up. It takes milliseconds, on a busy node 0.3 s."""


def end_at_sigterm() -> None:
    """
    Let SIGTERM end the process at once, until a verb installs its own handler.

    Process 1 of a container is not killed by signals that it does not handle, so a pod deleted while the program is
    still loading would wait for its grace period. Source: pid_namespaces(7).
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT_TERMINATED))


class CtrlC:
    """
    How this process handles SIGINT.

    KeyboardInterrupt alone is not enough. Python drops it if it is raised in a weak reference's callback or in
    `__del__`, and imports have such callbacks; during a DNS lookup it is not raised at all; and after it a thread or an
    exit handler may still block. So a thread waits for the signal too, and enforces a time limit.

    Source: Python's signal module ("Note on Signal Handlers and Exceptions"); sys.unraisablehook.
    """

    def __init__(self, leave: Callable[[int], object] = os._exit, grace_seconds: float = GRACE_SECONDS) -> None:
        """Change nothing yet; *leave* ends the process with an exit code, without running exit handlers."""
        self._leave, self._grace_seconds = leave, grace_seconds
        self._is_ours = self._is_pressed = self._raises = False

    def take(self) -> None:
        """
        Make SIGINT end the process immediately, as long as there is nothing to clean up.

        If it is ignored, it stays ignored: shells start background commands of a script that way (POSIX, Shell Command
        Language, 2.11), and Ctrl-C is for foreground commands.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._is_ours = True
            # The first registered handler runs last.
            atexit.register(self.finish)
            signal.signal(signal.SIGINT, self._at_once)

    def run(self, verb: Callable[[], int]) -> int:
        """
        Return the verb's exit code, 130 after SIGINT: the verb gets one KeyboardInterrupt and a second to clean up.

        This must be the last thing that the process does.
        """
        if not self._is_ours:
            return verb()
        self._watch()
        try:
            try:
                self._raises = True
                if self._is_pressed:
                    raise KeyboardInterrupt
                code = verb()
            finally:
                self._raises = False
        except BaseException:
            # An interrupted import may raise almost anything.
            if not self._is_pressed:
                raise
            return EXIT_INTERRUPTED
        return EXIT_INTERRUPTED if self._is_pressed else code

    def finish(self) -> None:
        """
        Exit now if the process was interrupted, before the interpreter and its extensions are torn down.

        It runs after all other exit handlers. Without an interrupt everything is done and printed: from here on SIGINT
        has its default action, which needs no interpreter.
        """
        if self._is_pressed:
            with contextlib.suppress(AttributeError, OSError, ValueError):
                sys.stdout.flush()
            self._leave(EXIT_INTERRUPTED)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def _watch(self) -> None:
        """Start waiting for the signal, in a thread and in the handler."""
        import threading  # noqa: PLC0415 - for commands that have something to clean up

        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=self._guard, args=(reader, threading.Event().wait), name="ctrl-c", daemon=True).start()
        sys.unraisablehook = _without_interrupts
        # The interpreter writes the signal's number into the pipe at once, whatever the main thread is doing.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, self._note)

    def _guard(self, reader: int, wait: Callable[[float], object]) -> None:
        """Wait for the signal, and then make sure that the process ends."""
        while signal.SIGINT not in os.read(reader, 1):
            pass
        wait(self._grace_seconds)
        self._leave(EXIT_INTERRUPTED)

    def _at_once(self, _number: int, _frame: object) -> None:
        self._leave(EXIT_INTERRUPTED)

    def _note(self, _number: int, _frame: object) -> None:
        """Raise KeyboardInterrupt the first time only: a second one would interrupt the cleanup."""
        is_first, self._is_pressed = not self._is_pressed, True
        if is_first and self._raises:
            raise KeyboardInterrupt


def _without_interrupts(unraisable: "sys.UnraisableHookArgs") -> None:
    """Print exceptions that Python cannot raise, except KeyboardInterrupt: the thread above has seen the signal."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


class Alarm:
    """A wait that news or a signal ends, whichever thread receives the signal."""

    def __init__(self, output: int | None = None) -> None:
        """Open the pipe to wait on; *output* is where a reader may go away, None if none can."""
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)
        self._poll = select.poll()
        self._poll.register(self.reader, select.POLLIN)
        if output is not None:
            # Without requested events, poll(2) still reports POLLERR for a pipe without a reader.
            self._poll.register(output, 0)

    def ring(self) -> None:
        """End the wait; callable from any thread. Ringing again has no effect."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.writer, b"!")

    def wait(self, seconds: float) -> bool:
        """
        Wait and return whether it has rung; then reset it.

        Raises BrokenPipeError as soon as the reader of the output is gone.
        """
        found = dict(self._poll.poll(max(0.0, seconds) * 1000))
        if found.keys() - {self.reader}:
            raise BrokenPipeError
        if found:
            os.read(self.reader, 65536)
        return bool(found)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.reader)
        os.close(self.writer)


@contextlib.contextmanager
def interruptible() -> Iterator[Alarm]:
    """
    Yield an alarm; in the block SIGTERM and SIGINT raise KeyboardInterrupt, which ends the block quietly, as does a
    closed standard output.
    """
    alarm = Alarm(_output())
    try:
        with (
            _handled_by(signal.default_int_handler, alarm.writer),
            contextlib.suppress(KeyboardInterrupt, BrokenPipeError),
        ):
            yield alarm
    finally:
        alarm.close()


@contextlib.contextmanager
def instead_of_interrupt(pressed: Callable[[], object]) -> Iterator[None]:
    """
    Call *pressed* for each SIGINT in the block, which raises nothing then, and ends no process a second later.

    *pressed* runs between two instructions of the main thread. Where SIGINT is ignored it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    former = signal.signal(signal.SIGINT, lambda *_: pressed())
    wakeup = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGINT, former)


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], object]]:
    """
    Yield a function that waits for SIGTERM or SIGINT, counted from the beginning of the block.

    An event set by a handler would miss a signal that arrives just before the wait.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        with _handled_by(lambda *_: None, writer):
            yield lambda: os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(writer)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object], writer: int) -> Iterator[None]:
    """
    Handle SIGTERM and SIGINT with *handler* in the block, and write a byte for each into the pipe.

    The interpreter writes it, whichever thread receives the signal, so that a wait ends at once.
    """
    handlers = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, former in handlers.items():
            signal.signal(number, former)


def _output() -> int | None:
    """Return the file descriptor of standard output; None if it has none."""
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError):
        return None
