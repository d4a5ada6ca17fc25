"""
Runs one Terraform process and handles signals so that the state stays consistent.

Terraform runs in its own session, so Ctrl-C on the terminal reaches only gradectl. The first signal
is forwarded as SIGINT: Terraform stops gracefully, writes the state and releases the lock, while
gradectl waits. A second SIGINT would make Terraform abort, so it only prints a warning; the third
kills Terraform. SIGHUP counts as a signal too: else Terraform would die with the closed terminal.

When gradectl itself is killed, Terraform goes on to its end, stores the state and releases the
lock. It would die at its next line of output if that had no reader, so it holds a reader itself.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from gradectl.errors import DeadlineError, GradectlError, StoppedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
_OBEYED = 3
_PIPE_BYTES = 1 << 20  # of output without a reader; more than the longest apply writes
_FIRST = "stopping gracefully: Terraform finishes what is in progress, which can take minutes"
_SECOND = (
    "still waiting. Killing Terraform loses track of the resources in progress and leaves the "
    "state locked; interrupt a third time to kill it"
)


class Interruption:
    """
    Counts signals and decides which to forward.

    Args:
        say: Prints a message for the user.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._writers: list[threading.Thread] = []
        self._count = 0
        self.first: int | None = None

    @property
    def killed(self) -> bool:
        """Whether Terraform was killed."""
        return self._count >= _OBEYED

    def attach(self, process: subprocess.Popen[str]) -> None:
        """Attach the process, and forward a signal that came before it started."""
        self._process = process
        if self._count:
            self._forward(signal.SIGINT)

    def stop(self) -> None:
        """Request a graceful stop, as one Ctrl-C does; no effect after the first request."""
        if not self._count:
            self._count = 1
            self._forward(signal.SIGINT)

    def receive(self, number: int, frame: FrameType | None = None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Handle a signal."""
        self._count += 1
        self.first = self.first or number
        if self._count == 1:
            self._forward(signal.SIGINT)
            self._print(_FIRST)
        elif self.killed:
            self._forward(signal.SIGKILL)
        else:
            self._print(_SECOND)

    def finish_messages(self) -> None:
        """Wait until all messages are printed."""
        for writer in self._writers:
            writer.join()

    def raise_if_stopped(self) -> None:
        """
        Raise the error of the signal that stopped Terraform; do nothing when there was none.

        Raises:
            DeadlineError: The --timeout expired.
            StoppedError: SIGINT, SIGTERM or SIGHUP.
        """
        if self.first is None:
            return
        state = (
            "Terraform was killed; the state may be incomplete"
            if self.killed
            else "Terraform stopped gracefully and wrote its state"
        )
        if self.first == signal.SIGALRM:
            text = f"the --timeout expired. {state}"
            raise DeadlineError(text, next_step="increase or omit --timeout, and run it again")
        raise StoppedError(self.first, f"stopped. {state}", next_step="run it again to continue")

    def _print(self, text: str) -> None:
        """
        Print from another thread.

        A signal can interrupt a write to the same stream, and a stream does not allow the same
        thread to enter a second write.
        """

        def write() -> None:
            with suppress(OSError):  # the terminal may be closed
                self._say(text)

        writer = threading.Thread(target=write, name="signal-message")
        self._writers.append(writer)
        writer.start()

    def _forward(self, number: signal.Signals) -> None:
        """Send a signal to Terraform; SIGKILL also goes to its providers."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


@dataclass(frozen=True)
class ProcessSettings:
    """
    Settings of a Terraform process.

    Attributes:
        directory: Its working directory.
        environ: Its whole environment; secrets are passed only here.
        say: Prints a message for the user, after a signal.
    """

    directory: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]


def stream(
    command: Sequence[str],
    settings: ProcessSettings,
    on_line: Callable[[str], None],
    errors: IO[str] | None = None,
) -> int:
    """
    Run Terraform and stream its output.

    Args:
        command: The command line; other users can read it, so no secrets.
        settings: Directory, environment and messages.
        on_line: Called with each line of output; when it raises, Terraform is stopped gracefully.
        errors: File for stderr; without it, stderr is merged into the output.

    Returns:
        Terraform's exit code, negative for a signal that killed it.

    Raises:
        StoppedError: A signal stopped it.
        DeadlineError: The --timeout expired.
        GradectlError: It could not be started.
    """
    interruption = Interruption(settings.say)
    with _handling(interruption):
        process = _start(command, settings, errors)
        interruption.attach(process)
        ending = threading.Thread(target=_end_providers, args=(process,), name="end-providers")
        ending.start()
        try:
            _drain(process, on_line, interruption)
        finally:
            code = process.wait()
            ending.join()
            interruption.finish_messages()
    interruption.raise_if_stopped()
    return code


def _start(
    command: Sequence[str], settings: ProcessSettings, errors: IO[str] | None
) -> subprocess.Popen[str]:
    """Start Terraform in its own session, with a pipe that outlives this process."""
    reader, writer = os.pipe()
    with suppress(OSError, AttributeError):  # the user's limit for pipes is reached; not Linux
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    try:
        process = subprocess.Popen(
            list(command),
            cwd=settings.directory,
            env=dict(settings.environ),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT if errors is None else errors,
            start_new_session=True,
            pass_fds=(reader,),
            text=True,
        )
    except OSError as error:
        os.close(reader)
        hint = "check that Terraform is installed and executable"
        raise GradectlError(str(error), where=command[0], next_step=hint) from error
    finally:
        os.close(writer)
    process.stdout = os.fdopen(reader, encoding="utf-8", errors="replace")
    return process


def _end_providers(process: subprocess.Popen[str]) -> None:
    """
    Kill what a killed Terraform left running: it would go on without a state to write to.

    In a thread, because what runs may hold the pipe whose end is awaited.
    """
    if process.wait() < 0:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _drain(
    process: subprocess.Popen[str], on_line: Callable[[str], None], interruption: Interruption
) -> None:
    """Read until the end, also after an error in `on_line`: a full pipe would block Terraform."""
    failure: BaseException | None = None
    for line in process.stdout or ():
        if failure is None:
            try:
                on_line(line)
            except BaseException as error:  # noqa: BLE001 - raised again below, after Terraform
                failure = error
                interruption.stop()
    if process.stdout:
        process.stdout.close()
    if failure is not None:
        process.wait()
        raise failure


@contextmanager
def _handling(interruption: Interruption) -> Iterator[None]:
    """Install the signal handlers for the block; only possible in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, interruption.receive)
        for number in _SIGNALS
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN)  # by nohup
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
