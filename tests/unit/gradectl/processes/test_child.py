"""Children get their environment, are waited for, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ended import has_ended

from gradectl.errors import GradectlError, UnreachableError
from gradectl.processes.child import Child, ProgramSpec, wait_until_ready

LONG = 300.0  # a limit for a hung test
Start = Callable[..., Child]
#: Prints the pid of a grandchild in the same group and then sleeps, as its grandchild does.
WITH_GRANDCHILD = """
import signal, subprocess, sys
code = "import signal; print('up', flush=True); signal.pause()"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture(name="start")
def _start(tmp_path: Path) -> Iterator[Start]:
    started: list[Child] = []

    def start(code: str, **environment: str) -> Child:
        command = [sys.executable, "-I", "-u", "-c", code]
        child = Child(
            ProgramSpec("sample", command, environment, tmp_path, tmp_path / "sample.log")
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.stop(0)


def said(child: Child) -> bool:
    return bool(child.program.log_file.read_text().strip())


def test_a_child_gets_the_environment_it_was_given_and_no_other(start: Start) -> None:
    """Variables and credentials of the user's shell are not inherited."""
    child = start("import os; print(sorted(os.environ))", LANG="C.UTF-8", ONLY="this")

    assert child.wait(LONG)
    assert child.last_lines() == "['LANG', 'ONLY']"


def test_a_child_runs_in_its_own_session_and_directory(start: Start, tmp_path: Path) -> None:
    """Ctrl-C on the terminal does not reach it."""
    child = start("import os; print(os.getsid(0) == os.getpid(), os.getcwd())")

    assert child.wait(LONG)
    assert child.last_lines() == f"True {tmp_path}"


def test_a_child_begins_with_default_signals(start: Start) -> None:
    """Python ignores SIGPIPE, and its children would inherit that."""
    child = start("print(open('/proc/self/status').read().split('SigBlk:')[1].split()[0])")

    assert child.wait(LONG)
    assert int(child.last_lines(), 16) == 0


def test_an_orderly_stop_lets_the_child_clean_up(start: Start) -> None:
    """SIGTERM comes first."""
    child = start(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(3)))\n"
        "print('up')\n"
        "signal.pause()"
    )
    assert wait_until_ready(child, lambda: said(child), LONG)

    child.stop(LONG)

    assert child.exit_status == 3
    assert child.last_lines().endswith("bye")


def test_a_child_that_ignores_sigterm_is_killed(start: Start) -> None:
    """A grace period of zero kills at once."""
    child = start(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up')\n"
        "while True: signal.pause()"
    )
    assert wait_until_ready(child, lambda: said(child), LONG)

    child.stop(0)

    assert child.exit_status == -signal.SIGKILL


def test_a_stop_kills_grandchildren(start: Start) -> None:
    """The process group is killed, also when its leader exits by itself."""
    child = start(WITH_GRANDCHILD)
    assert wait_until_ready(child, lambda: said(child), LONG)
    grandchild = int(child.last_lines())

    child.stop(LONG)

    assert has_ended(grandchild)


def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves no chance to clean up, so the kernel does it."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gradectl.processes.child import Child, ProgramSpec\n"
        "log = Path(sys.argv[1]) / 'log'\n"
        "command = [sys.executable, '-I', '-c', 'import signal; signal.pause()']\n"
        "print(Child(ProgramSpec('sample', command, {}, log.parent, log)).pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()

    assert has_ended(child)


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The error quotes the log, which contains the name."""
    program = ProgramSpec("sample", ["no-such-program"], {}, tmp_path, tmp_path / "log")
    child = Child(program)

    with pytest.raises(GradectlError, match="cannot start no-such-program"):
        wait_until_ready(child, lambda: False, LONG)


def test_an_early_exit_is_an_error_with_the_end_of_the_log(start: Start) -> None:
    """The end of the output explains most failures."""
    child = start("print('the disk is full'); raise SystemExit(9)")

    with pytest.raises(
        GradectlError, match=r"(?s)sample exited with 9.*the disk is full"
    ) as caught:
        wait_until_ready(child, lambda: False, LONG)

    assert caught.value.where == str(child.program.log_file)


def test_a_program_that_does_not_answer_is_an_error(start: Start) -> None:
    """Becoming ready has a time limit."""
    child = start("import signal; signal.pause()")

    with pytest.raises(UnreachableError, match="did not answer"):
        wait_until_ready(child, lambda: False, 0.0)


def test_waiting_can_be_interrupted(start: Start) -> None:
    """A stop during the start takes effect at once."""
    child = start("import signal; signal.pause()")
    event = os.eventfd(1)

    assert not wait_until_ready(child, lambda: False, LONG, interrupt=event)
    assert not child.wait(LONG, interrupt=event)
    os.close(event)
