"""Ctrl-C and SIGTERM for commands that go on until then."""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator


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

    The interpreter writes a byte for each signal into the alarm's pipe, so that a wait ends at once and the handler
    runs.
    """
    alarm = Alarm(_output())
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGINT)}
    before = signal.set_wakeup_fd(alarm.writer, warn_on_full_buffer=False)
    try:
        with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
            yield alarm
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        alarm.close()


def _output() -> int | None:
    """Return the number of standard output; None where it is no file of the system's."""
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError):
        return None
