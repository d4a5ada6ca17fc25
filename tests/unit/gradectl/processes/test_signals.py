"""A signal ends whatever the main thread waits for, also one that interrupts no call."""

from __future__ import annotations

import fcntl
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradectl.adapters.terraform.process import ProcessSettings, stream
from gradectl.errors import StoppedError
from gradectl.processes.signals import prompt_signals
from gradectl.processes.tools import Tools

LOOKS = 200  # in a row at which a thread sleeps, before it counts as waiting
FOREVER = [sys.executable, "-c", "import signal\nwhile True: signal.pause()"]
#: Ignores what asks it to end, and writes to a file then; "stopped" also stops itself.
STUBBORN = """
import os, pathlib, signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(sys.argv[2]).write_text('ready\\n')
if sys.argv[1] == "stopped":
    os.kill(os.getpid(), signal.SIGSTOP)
while True:
    signal.pause()
"""


#: Makes sure that a signal ends a wait; the second argument says when to send it.
Expect = Callable[..., None]


class SignalledError(Exception):
    """A signal arrived."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A signal raises an error."""

    def handle(*_: object) -> None:
        raise SignalledError

    before = signal.signal(signal.SIGUSR1, handle)
    yield
    signal.signal(signal.SIGUSR1, before)


def until_asleep(thread: int) -> None:
    """Wait until a thread of this process waits in a call."""
    asleep = 0
    while asleep < LOOKS:
        stat = Path(f"/proc/self/task/{thread}/stat").read_text()
        asleep = asleep + 1 if stat.rpartition(")")[2].split()[0] == "S" else 0


@pytest.fixture
def unnoticed() -> Iterator[Expect]:
    """
    Let other threads send a signal to themselves, when this thread waits.

    Such a signal interrupts no call of this thread: it is like one just before the call begins.
    """
    main, others = threading.get_native_id(), []

    def expect(wait: Callable[[], object], is_ready: Callable[[], object] = bool) -> None:
        def send() -> None:
            is_ready()
            until_asleep(main)
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

        other = threading.Thread(target=send)
        others.append(other)
        with pytest.raises(SignalledError):
            _started(other, wait)

    yield expect
    for other in others:
        other.join()


def _started(other: threading.Thread, wait: Callable[[], object]) -> None:
    other.start()
    wait()


def locked(path: Path) -> Callable[[], object]:
    """A lock of a file that is never released."""
    holder, waiting = path.open("w"), path.open("w")
    fcntl.flock(holder, fcntl.LOCK_EX)

    def wait() -> None:
        with holder, waiting:
            fcntl.flock(waiting, fcntl.LOCK_EX)

    return wait


def silent_pipe() -> None:
    """Read from a pipe that stays silent."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as lines, os.fdopen(writer, "w"):
        for _ in lines:
            pass


def child(wait: Callable[[subprocess.Popen[str]], object]) -> None:
    """Wait for a child that never ends."""
    with subprocess.Popen(FOREVER, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait(process)
        finally:
            process.kill()


@pytest.mark.parametrize(
    "wait",
    [
        lambda: threading.Event().wait(),
        lambda: queue.SimpleQueue[int]().get(),
        lambda: select.poll().poll(),
        lambda: child(lambda process: process.wait()),
        lambda: child(lambda process: process.communicate()),
        silent_pipe,
    ],
    ids=["event", "queue", "poll", "child", "output", "pipe"],
)
def test_a_signal_ends_a_wait_without_a_limit(
    unnoticed: Expect, wait: Callable[[], object]
) -> None:
    """Without a limit of time, so that a wait that goes on is a test that hangs."""
    with prompt_signals():
        unnoticed(wait)


def test_a_signal_ends_the_wait_for_a_lock(unnoticed: Expect, tmp_path: Path) -> None:
    """Of a file, which another run of gradectl holds."""
    with prompt_signals():
        unnoticed(locked(tmp_path / "lock"))


def test_the_same_block_serves_many_signals(
    unnoticed: Expect,
) -> None:
    """Each is noticed, and handled once."""
    with prompt_signals():
        for _ in range(3):
            unnoticed(threading.Event().wait)


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_three_signals_end_a_terraform_that_obeys_none(tmp_path: Path, state: str) -> None:
    """The third kills it, also when gradectl waits for output and none of the three woke it."""
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    settings = ProcessSettings(tmp_path, dict(os.environ), said.put)
    ready = threading.Event()

    def interrupt() -> None:
        ready.wait()
        for words in ("stopping gracefully", "still waiting"):
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            assert words in said.get()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    command = [sys.executable, "-c", STUBBORN, state, "/dev/stdout"]

    with prompt_signals(), pytest.raises(StoppedError, match="Terraform was killed"):
        stream(command, settings, lambda _line: ready.set())

    other.join()


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_signal_ends_a_program_that_obeys_none(
    unnoticed: Expect, tmp_path: Path, state: str
) -> None:
    """Programs of checks have nothing to clean up, so they are killed."""
    tools, ready = Tools(os.environ), tmp_path / "ready"
    os.mkfifo(ready)
    command = [sys.executable, "-c", STUBBORN, state, str(ready)]

    with prompt_signals():
        unnoticed(lambda: tools.run(command, tmp_path), ready.read_text)


def test_what_was_set_before_is_restored() -> None:
    """A test, or another program, may use the same means."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    handler = signal.getsignal(signal.SIGURG)
    before = signal.set_wakeup_fd(writer)
    threads = threading.active_count()
    try:
        with prompt_signals():
            assert threading.active_count() == threads + 1
        assert signal.set_wakeup_fd(before) == writer
    finally:
        os.close(reader)
        os.close(writer)

    assert signal.getsignal(signal.SIGURG) is handler
    assert threading.active_count() == threads


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_function_is_called_also_when_the_main_thread_holds_its_lock(number: int) -> None:
    """As it does for moments, at each event; a signal handler would wait for it without end."""
    script = """
import threading
from gradectl.processes.signals import call_on_signal
lock, stopped = threading.Lock(), threading.Event()

def stop():
    with lock:
        stopped.set()

call_on_signal(stop)
with lock:
    print("ready", flush=True)
    input()
stopped.wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        process.communicate("\n")

    assert process.returncode == 0
