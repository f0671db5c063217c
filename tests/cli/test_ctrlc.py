"""Ctrl-C ends a process at any moment: real signals in real processes, and single steps in this one."""

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from podres_exporter.cli import kubectl_main, main
from podres_exporter.cli.signals import CtrlC

AT_ONCE_SECONDS = 0.0
BEGIN = """
import os, signal, sys, threading
from podres_exporter.cli.signals import CtrlC

ctrl_c = CtrlC()
ctrl_c.take()

def press():
    os.kill(os.getpid(), signal.SIGINT)

def hang():
    threading.Event().wait()

"""


@pytest.fixture(autouse=True)
def _interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own handler, as in a new process, and its hook given back."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


@pytest.fixture
def left() -> "queue.SimpleQueue[int]":
    """The exit codes with which the process was left."""
    return queue.SimpleQueue()


@pytest.fixture
def ctrl_c(left: "queue.SimpleQueue[int]") -> Iterator[CtrlC]:
    ctrl_c = CtrlC(left.put, AT_ONCE_SECONDS)
    ctrl_c.take()
    yield ctrl_c
    atexit.unregister(ctrl_c.finish)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def ran(program: str) -> tuple[int, str, str]:
    """Run a program after what every one begins with; return its exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_before_there_is_anything_to_clean_up_it_leaves_on_the_spot(
    ctrl_c: CtrlC, left: "queue.SimpleQueue[int]"
) -> None:
    """Nothing is raised, so that nothing can be lost in an import."""
    del ctrl_c
    press()

    assert 130 == left.get(timeout=60)


@pytest.mark.parametrize("number", [0, 3])
def test_the_exit_code_is_the_verbs_where_nobody_presses(ctrl_c: CtrlC, number: int) -> None:
    assert number == ctrl_c.run(lambda: number)


def test_what_a_verb_raises_passes(ctrl_c: CtrlC) -> None:
    """Wrong usage, a closed pipe, bugs."""

    def verb() -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ctrl_c.run(verb)


def test_the_verb_is_interrupted_and_cleans_up(ctrl_c: CtrlC, left: "queue.SimpleQueue[int]") -> None:
    """And if that takes its time, the process is left."""
    cleaned = []

    def verb() -> int:
        try:
            press()
            threading.Event().wait()
        finally:
            press()
            cleaned.append(left.get(timeout=60))
        return 0

    assert 130 == ctrl_c.run(verb)
    assert [130] == cleaned


@pytest.mark.parametrize("outcome", ["swallowed", "changed"])
def test_what_becomes_of_the_exception_does_not_matter(ctrl_c: CtrlC, outcome: str) -> None:
    """A library may swallow it, or make it an error of its own."""

    def verb() -> int:
        try:
            press()
            threading.Event().wait()
        except KeyboardInterrupt:
            if outcome == "changed":
                raise ImportError from None
        return 0

    assert 130 == ctrl_c.run(verb)


def test_a_signal_just_before_the_verb_keeps_it_from_running(ctrl_c: CtrlC, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last thing before it is the handler's change."""
    change = signal.signal

    def change_and_press(number: int, handler: Any) -> Any:
        before = change(number, handler)
        press()
        return before

    monkeypatch.setattr(signal, "signal", change_and_press)
    verbs = []

    def verb() -> int:
        verbs.append("ran")
        return 0

    assert (130, []) == (ctrl_c.run(verb), verbs)


def test_other_signals_leave_nothing(ctrl_c: CtrlC, left: "queue.SimpleQueue[int]") -> None:
    """The pipe tells of all those that have a handler."""
    signal.signal(signal.SIGTERM, lambda *_: None)

    def verb() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        empty = left.empty()
        press()
        return 0 if empty and left.get(timeout=60) == 130 else 1

    with contextlib.suppress(KeyboardInterrupt):
        assert 130 == ctrl_c.run(verb)


def test_what_is_ignored_stays_ignored(left: "queue.SimpleQueue[int]") -> None:
    """As in a script's background: Ctrl-C is not meant for it (POSIX, Shell Command Language, 2.11)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctrl_c = CtrlC(left.put, AT_ONCE_SECONDS)
    ctrl_c.take()
    press()

    assert 7 == ctrl_c.run(lambda: 7)
    assert signal.SIG_IGN == signal.getsignal(signal.SIGINT)
    assert left.empty()


def test_at_the_end_the_signal_is_the_kernels(ctrl_c: CtrlC, left: "queue.SimpleQueue[int]") -> None:
    """Everything is printed, and no interpreter is needed to end a hang in taking it apart."""
    code = ctrl_c.run(lambda: 0)
    ctrl_c.finish()

    assert (0, True) == (code, left.empty())
    assert signal.SIG_DFL == signal.getsignal(signal.SIGINT)


def test_an_interrupted_process_ends_with_130_after_its_exit_handlers(
    ctrl_c: CtrlC, left: "queue.SimpleQueue[int]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever has become of standard output."""

    def flush() -> None:
        raise BrokenPipeError

    def verb() -> int:
        press()
        threading.Event().wait()
        return 0

    ctrl_c.run(verb)
    left.get(timeout=60)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(flush=flush))
    ctrl_c.finish()

    assert 130 == left.get(timeout=60)


def test_other_lost_exceptions_are_told_as_ever(ctrl_c: CtrlC, capsys: pytest.CaptureFixture[str]) -> None:
    """Bugs in `__del__` stay visible."""

    class Thing:
        """Its end fails."""

        def __init__(self, error: BaseException) -> None:
            self._error = error

        def __del__(self) -> None:
            raise self._error

    ctrl_c.run(lambda: 0)
    Thing(ValueError("odd"))
    told = capsys.readouterr().err
    Thing(KeyboardInterrupt())

    assert "ValueError: odd" in told
    assert "" == capsys.readouterr().err


def test_both_commands_take_the_signal_when_they_are_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Callers in this process, such as other tests, keep their signal handlers."""
    handlers = []
    for command, argv in ((main, ["metrics"]), (main, None), (kubectl_main, ["--version"]), (kubectl_main, None)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        monkeypatch.setattr(sys, "argv", ["command", "metrics" if command is main else "--version"])
        with contextlib.suppress(SystemExit):
            command(argv)
        handlers.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    assert [True, False, True, False] == handlers
    assert capsys.readouterr().out


# as processes, that must end within the timeout


PLACES = {
    "in a wait": "ctrl_c.run(lambda: (press(), hang()))",
    "before a verb": "press(); hang()",
    "in a weak reference's callback": """
import weakref
class Thing: pass
thing = Thing()
reference = weakref.ref(thing, lambda _: [press(), *range(9)])
def verb():
    global thing
    del thing
    hang()
ctrl_c.run(verb)
""",
    "in __del__": """
class Thing:
    def __del__(self):
        press()
        [each for each in range(9)]
def verb():
    Thing()
    hang()
ctrl_c.run(verb)
""",
    "in somebody's except": """
def verb():
    try:
        press(); hang()
    except BaseException:
        hang()
ctrl_c.run(verb)
""",
    "in a clean-up that hangs": """
def verb():
    try:
        press(); hang()
    finally:
        hang()
ctrl_c.run(verb)
""",
    "in C, where no handler runs": """
import ctypes
sys.setswitchinterval(60)
libc, mutex, is_inside = ctypes.CDLL(None), ctypes.create_string_buffer(64), threading.Lock()
def press_inside():
    with is_inside:
        press()
def verb():
    is_inside.acquire()
    threading.Thread(target=press_inside, daemon=True).start()
    libc.pthread_mutex_lock(mutex)
    is_inside.release()
    # No signal ends this wait; only now the other thread may run.
    libc.pthread_mutex_lock(mutex)
ctrl_c.run(verb)
""",
    "with a thread that does not end": """
def verb():
    threading.Thread(target=hang).start()
    press()
    hang()
sys.exit(ctrl_c.run(verb))
""",
    "with an exit handler that does not end": """
import atexit
atexit.register(hang)
sys.exit(ctrl_c.run(lambda: (press(), hang())))
""",
    "in an exit handler": """
import atexit
atexit.register(lambda: (press(), hang()))
sys.exit(ctrl_c.run(lambda: 0))
""",
    "in an exit handler that ends": """
import atexit
atexit.register(press)
sys.exit(ctrl_c.run(lambda: 0))
""",
}


@pytest.mark.parametrize("program", PLACES.values(), ids=PLACES)
def test_it_ends_wherever_it_is_with_130_and_quietly(program: str) -> None:
    assert (130, "", "") == ran(program)


def test_exit_handlers_run_and_lines_are_whole() -> None:
    """The handlers remove what others may not find, such as a user's key from a kubeconfig."""
    code, out, err = ran(
        """
import atexit
atexit.register(lambda: print("removed"))
def verb():
    print("a line")
    press()
    hang()
sys.exit(ctrl_c.run(verb))
"""
    )

    assert (130, "a line\nremoved\n", "") == (code, out, err)


def test_a_process_that_is_over_is_ended_by_the_kernel() -> None:
    """Taking the interpreter apart may hang too; all that there was to print is out."""
    code, out, err = ran(
        """
class Thing:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)
def verb():
    print("done", flush=True)
    return 0
code = ctrl_c.run(verb)
sys.last_thing = Thing()
sys.exit(code)
"""
    )

    assert (-signal.SIGINT, "done\n", "") == (code, out, err)
