"""The first signal is forwarded, the second prints a warning, the third kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gradectl.adapters.terraform.process import ProcessSettings, stream
from gradectl.errors import DeadlineError, GradectlError, StoppedError

#: A stand-in for Terraform: says when it is ready, stops orderly at the first SIGINT.
ORDERLY = """
import signal, sys
def stop(number, frame):
    print("stopping", flush=True)
    sys.exit(1)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
signal.pause()
"""
#: Another that does not care.
STUBBORN = """
import signal
import subprocess
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


class Run:
    """A run of a fake Terraform that receives signals when it is ready."""

    def __init__(self, directory: Path, script: str) -> None:
        """Prepare a fake Terraform in Python."""
        self.said: list[str] = []
        self.lines: list[str] = []
        self.at_ready: list[int] = []
        self.at_word: dict[str, int] = {}
        self._command = [sys.executable, "-c", script]
        self._settings = ProcessSettings(directory, dict(os.environ), self._say)

    def _say(self, text: str) -> None:
        self.said.append(text)
        for word, number in list(self.at_word.items()):
            if word in text:
                del self.at_word[word]
                os.kill(os.getpid(), number)

    def _on_line(self, line: str) -> None:
        self.lines.append(line.strip())
        if line.strip() == "ready":
            for number in self.at_ready:
                signal.raise_signal(number)

    def start(self) -> int:
        return stream(self._command, self._settings, self._on_line)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_one_signal_stops_terraform_gracefully(tmp_path: Path, number: int, code: int) -> None:
    """Terraform gets one SIGINT for any signal, and gradectl waits."""
    run = Run(tmp_path, ORDERLY)
    run.at_ready = [number]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a test run under nohup ignores it

    try:
        with pytest.raises(StoppedError) as caught:
            run.start()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert caught.value.exit_code == code
    assert run.lines == ["ready", "stopping"]
    assert "gracefully" in run.said[0]


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    """An ignored SIGHUP stays ignored; other signals still stop it."""
    run = Run(tmp_path, ORDERLY)
    run.at_ready = [signal.SIGHUP, signal.SIGTERM]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    try:
        with pytest.raises(StoppedError) as caught:
            run.start()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert caught.value.exit_code == 143
    assert len(run.said) == 1


def test_the_alarm_of_timeout_is_a_deadline(tmp_path: Path) -> None:
    """It stops as gracefully, with another exit code."""
    run = Run(tmp_path, ORDERLY)
    run.at_ready = [signal.SIGALRM]

    with pytest.raises(DeadlineError):
        run.start()

    assert run.lines == ["ready", "stopping"]


def test_only_the_third_signal_kills(tmp_path: Path) -> None:
    """The second prints what would be lost."""
    run = Run(tmp_path, STUBBORN)
    run.at_ready = [signal.SIGINT]
    run.at_word = {"gracefully": signal.SIGINT, "still waiting": signal.SIGINT}

    with pytest.raises(StoppedError) as caught:
        run.start()

    assert [text[:13] for text in run.said] == ["stopping grac", "still waiting"]
    assert "killed" in caught.value.what


def test_handlers_are_restored(tmp_path: Path) -> None:
    """After Terraform, Ctrl-C stops gradectl again."""
    before = signal.getsignal(signal.SIGINT)

    assert Run(tmp_path, "print('x')").start() == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_a_handler_stops_terraform_gracefully(tmp_path: Path) -> None:
    """A closed terminal or a bug in gradectl must not damage the state."""
    lines: list[str] = []

    def fail_once(line: str) -> None:
        lines.append(line)
        raise BrokenPipeError

    settings = ProcessSettings(tmp_path, dict(os.environ), lambda _text: None)
    with pytest.raises(BrokenPipeError):
        stream([sys.executable, "-c", ORDERLY], settings, fail_once)

    assert lines == ["ready\n"]


def test_both_streams_come_in_order_unless_asked_otherwise(tmp_path: Path) -> None:
    """A crash is printed on stderr and must be visible."""
    script = "import sys; print('a', flush=True); print('b', file=sys.stderr)"
    run = Run(tmp_path, script)
    assert run.start() == 0
    assert run.lines == ["a", "b"]

    lines: list[str] = []
    settings = ProcessSettings(tmp_path, dict(os.environ), lambda _text: None)
    with (tmp_path / "errors").open("w+") as errors:
        stream([sys.executable, "-c", script], settings, lines.append, errors)
        errors.seek(0)
        assert (lines, errors.read()) == (["a\n"], "b\n")


def test_terraform_runs_in_its_own_session(tmp_path: Path) -> None:
    """Ctrl-C on the terminal reaches only gradectl."""
    run = Run(tmp_path, "import os; print(os.getsid(0) == os.getpid())")
    run.start()

    assert run.lines == ["True"]


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    """It existed when its version was read."""
    settings = ProcessSettings(tmp_path, {}, lambda _text: None)

    with pytest.raises(GradectlError) as caught:
        stream([str(tmp_path / "gone")], settings, lambda _line: None)

    assert caught.value.where == str(tmp_path / "gone")


def test_a_signal_during_a_write_does_no_harm(tmp_path: Path) -> None:
    """A stream is not reentrant, so the signal handler must not write to it."""
    talker = threading.current_thread()
    spoke: list[threading.Thread] = []
    settings = ProcessSettings(
        tmp_path, dict(os.environ), lambda _text: spoke.append(threading.current_thread())
    )

    with pytest.raises(StoppedError):
        stream(
            [sys.executable, "-c", ORDERLY],
            settings,
            lambda line: signal.raise_signal(signal.SIGTERM) if "ready" in line else None,
        )

    assert spoke
    assert talker not in spoke


def fifo(path: Path) -> int:
    """A fifo, open for reading: it ends when its last writer has ended."""
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


#: A stand-in that goes on after its gradectl was killed, and writes more than a pipe holds.
GOES_ON = """
import sys
with open(sys.argv[2], "w") as stored:
    print("ready", flush=True)
    open(sys.argv[1]).read()
    for _ in range(500):
        print("x" * 1000, flush=True)
    stored.write("yes")
"""
GRADECTL = """
import os, sys
from pathlib import Path
from gradectl.adapters.terraform.process import ProcessSettings, stream
settings = ProcessSettings(Path("/"), dict(os.environ), print)
stream([sys.executable, "-c", *sys.argv[1:]], settings, lambda line: print(line, flush=True))
"""


def test_terraform_outlives_a_killed_gradectl(tmp_path: Path) -> None:
    """Its output has no reader any more, and that must not end it before the state is stored."""
    stored, go = tmp_path / "stored", tmp_path / "go"
    os.mkfifo(go)
    reader = fifo(stored)
    command = [sys.executable, "-c", GRADECTL, GOES_ON, str(go), str(stored)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()

    go.write_text("go on")

    with os.fdopen(reader) as file:
        assert file.read() == "yes"


def test_what_a_killed_terraform_started_is_killed_too(tmp_path: Path) -> None:
    """Its providers would change resources that nobody records."""
    reader = fifo(tmp_path / "held")
    script = (
        "import os, signal, subprocess, sys\n"
        "subprocess.Popen(['sleep', '300'], stdout=open(sys.argv[1], 'w'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    settings = ProcessSettings(tmp_path, dict(os.environ), lambda _text: None)
    command = [sys.executable, "-c", script, str(tmp_path / "held")]

    assert stream(command, settings, lambda _line: None) == -signal.SIGKILL
    with os.fdopen(reader) as file:
        assert not file.read()
