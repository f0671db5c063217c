"""Signals: Ctrl-C ends a one-shot command at once, and SIGTERM or SIGINT ends a command that runs until then."""

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
"""What shells report for a command that Ctrl-C has ended."""

GRACE_SECONDS = 1.0
"""How long an interrupted command may take to clean up behind it. It takes milliseconds, on a busy node 0.3 s."""


def end_at_sigterm() -> None:
    """
    Let SIGTERM end the process at once, until a verb installs a handler of its own.

    The first process of a container is not killed by signals that it does not handle, so a pod that is deleted while
    the program still loads would wait for its grace period. Source: pid_namespaces(7).
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT_TERMINATED))


class CtrlC:
    """
    What SIGINT does to this process.

    KeyboardInterrupt alone is not enough. Python drops it where it is raised in a weak reference's callback or in
    `__del__`, and imports have such callbacks; while the system looks up a name it is not raised at all; and after it
    a thread or an exit handler may still block. So there is a thread that waits for the signal too, and goes by the
    clock.

    Source: Python's signal module ("Note on Signal Handlers and Exceptions"); sys.unraisablehook.
    """

    def __init__(self, leave: Callable[[int], object] = os._exit, grace_seconds: float = GRACE_SECONDS) -> None:
        """Change nothing yet; *leave* ends the process with an exit code, without any exit handler."""
        self._leave, self._grace_seconds = leave, grace_seconds
        self._is_ours = self._is_pressed = self._raises = False

    def take(self) -> None:
        """
        Let SIGINT end the process on the spot; that is, until there is something to clean up.

        Where it is ignored it stays so: a shell starts what runs in a script's background like that (POSIX, Shell
        Command Language, 2.11), and Ctrl-C is for what runs in the foreground.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._is_ours = True
            # The first to be registered is the last to run.
            atexit.register(self.finish)
            signal.signal(signal.SIGINT, self._at_once)

    def run(self, verb: Callable[[], int]) -> int:
        """
        Return the verb's exit code, 130 where SIGINT came: the verb gets KeyboardInterrupt once, and has a second.

        It is the last thing that the process does.
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
            # An interrupted import may raise about anything.
            if not self._is_pressed:
                raise
            return EXIT_INTERRUPTED
        return EXIT_INTERRUPTED if self._is_pressed else code

    def finish(self) -> None:
        """
        Leave, if the process was interrupted, before the interpreter takes itself and its extensions apart.

        It runs after all other exit handlers. Without an interrupt everything is done and printed: from here on SIGINT
        is the kernel's, which needs no interpreter.
        """
        if self._is_pressed:
            with contextlib.suppress(AttributeError, OSError, ValueError):
                sys.stdout.flush()
            self._leave(EXIT_INTERRUPTED)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def _watch(self) -> None:
        """Begin to wait for the signal, in a thread and in the handler."""
        import threading  # noqa: PLC0415 - for commands that have something to clean up

        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=self._guard, args=(reader, threading.Event().wait), name="ctrl-c", daemon=True).start()
        sys.unraisablehook = _without_interrupts
        # The interpreter writes the signal's number into the pipe at once, whatever the main thread is in.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, self._note)

    def _guard(self, reader: int, wait: Callable[[float], object]) -> None:
        """Wait for the signal, and then for the end of the process; bring it about."""
        while signal.SIGINT not in os.read(reader, 1):
            pass
        wait(self._grace_seconds)
        self._leave(EXIT_INTERRUPTED)

    def _at_once(self, _number: int, _frame: object) -> None:
        self._leave(EXIT_INTERRUPTED)

    def _note(self, _number: int, _frame: object) -> None:
        """Raise KeyboardInterrupt the first time: a second one would end what cleans up."""
        is_first, self._is_pressed = not self._is_pressed, True
        if is_first and self._raises:
            raise KeyboardInterrupt


def _without_interrupts(unraisable: "sys.UnraisableHookArgs") -> None:
    """Print what Python cannot raise, except for a KeyboardInterrupt: the thread above has not missed it."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


class Alarm:
    """A wait that news or a signal ends, whichever thread the kernel gives the signal to."""

    def __init__(self, output: int | None = None) -> None:
        """Open the pipe that is waited on; *output* is where somebody reads what we write, None where nobody can go."""
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)
        self._poll = select.poll()
        self._poll.register(self.reader, select.POLLIN)
        if output is not None:
            # Without events of interest there is still POLLERR, which a pipe without a reader gives (poll(2)).
            self._poll.register(output, 0)

    def ring(self) -> None:
        """End the wait; for any thread. An alarm that rings already rings on."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.writer, b"!")

    def wait(self, seconds: float) -> bool:
        """
        Return whether it has rung within that time; from then on it is silent again.

        Raises BrokenPipeError as soon as nobody reads our output any more.
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
    Yield an alarm; in the block SIGTERM and SIGINT raise KeyboardInterrupt, and the block ends quietly with it, or when
    nobody reads standard output any more.
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
    Yield a function that waits for SIGTERM or SIGINT, from the beginning of the block on.

    An event that a handler sets would miss a signal that comes just before the wait.
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
    Give SIGTERM and SIGINT to *handler* in the block, and write a byte for each into the pipe.

    The interpreter writes it, whichever thread the kernel chose for the signal, so that a wait ends at once.
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
    """Return the number of standard output; None where it is no file of the system's."""
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError):
        return None
