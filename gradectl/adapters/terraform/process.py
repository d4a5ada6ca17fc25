"""
One Terraform process that no signal can tear in two.

Terraform runs in a session of its own, so a Ctrl-C on the terminal reaches only us. We pass one
SIGINT on, which makes it stop in good order, write the state and release the lock, and we wait.
A second one would make it drop everything, so it only brings a warning; the third is obeyed.
A terminal that is closed counts as one too: else Terraform would be cut off with its output.
"""

from __future__ import annotations

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
_FIRST = "stopping in good order: Terraform finishes what it has begun, which can take minutes"
_SECOND = (
    "still waiting. Stopping Terraform at once loses track of what is being made and leaves the "
    "state locked; ask a third time to do that all the same"
)


class Interruption:
    """
    Counts the signals and passes the right ones on.

    Args:
        say: Tells the person what happens.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        """Start with no signal and no process."""
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._tellers: list[threading.Thread] = []
        self._count = 0
        self.first: int | None = None

    @property
    def killed(self) -> bool:
        """Whether Terraform was ended by force."""
        return self._count >= _OBEYED

    def attach(self, process: subprocess.Popen[str]) -> None:
        """Take charge of a process, and pass on what came before it was there."""
        self._process = process
        if self._count:
            self._pass_on(signal.SIGINT)

    def stop(self) -> None:
        """Ask for an orderly stop, as one Ctrl-C does, when none was asked for yet."""
        if not self._count:
            self._count = 1
            self._pass_on(signal.SIGINT)

    def receive(self, number: int, frame: FrameType | None = None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Handle one signal."""
        self._count += 1
        self.first = self.first or number
        if self._count == 1:
            self._pass_on(signal.SIGINT)
            self._tell(_FIRST)
        elif self.killed:
            self._pass_on(signal.SIGKILL)
        else:
            self._tell(_SECOND)

    def finish_telling(self) -> None:
        """Wait until everything is said."""
        for teller in self._tellers:
            teller.join()

    def raise_if_stopped(self) -> None:
        """
        Report the stop that was asked for.

        Raises:
            DeadlineError: By --timeout.
            StoppedError: By SIGINT, SIGTERM or SIGHUP.
        """
        if self.first is None:
            return
        state = (
            "Terraform was ended by force; the state may be incomplete"
            if self.killed
            else "Terraform stopped in good order and wrote its state"
        )
        if self.first == signal.SIGALRM:
            text = f"the time given with --timeout is over. {state}"
            raise DeadlineError(
                text, next_step="raise --timeout, or leave it out, and run it again"
            )
        raise StoppedError(self.first, f"stopped. {state}", next_step="run it again to go on")

    def _tell(self, text: str) -> None:
        """
        Say it from a thread of its own.

        A signal can come in the middle of a write to the very stream that is spoken to, and a
        stream does not let the same thread in twice.
        """

        def tell() -> None:
            with suppress(OSError):  # the terminal may be gone
                self._say(text)

        teller = threading.Thread(target=tell, name="teller")
        self._tellers.append(teller)
        teller.start()

    def _pass_on(self, number: signal.Signals) -> None:
        """Send a signal to Terraform, or to it and its providers when it is the last one."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


@dataclass(frozen=True)
class Surroundings:
    """
    What a Terraform process lives in.

    Attributes:
        directory: Where it runs.
        environ: All of its environment; secrets are here and nowhere else.
        say: Tells the person what a signal leads to.
    """

    directory: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]


def stream(
    command: Sequence[str],
    surroundings: Surroundings,
    on_line: Callable[[str], None],
    errors: IO[str] | None = None,
) -> int:
    """
    Run Terraform and hand over its lines as they come.

    Args:
        command: The words of the command line; nothing secret.
        surroundings: Where it runs.
        on_line: Takes one line of output; when it raises, Terraform is stopped in good order.
        errors: File for the second stream; absent, its lines come with the others.

    Returns:
        Terraform's exit code.

    Raises:
        StoppedError: A signal ended it.
        DeadlineError: The time of --timeout was over.
        GradectlError: It could not be started.
    """
    interruption = Interruption(surroundings.say)
    with _handling(interruption):
        process = _start(command, surroundings, errors)
        interruption.attach(process)
        try:
            _drain(process, on_line, interruption)
        finally:
            code = process.wait()
            interruption.finish_telling()
    interruption.raise_if_stopped()
    return code


def _start(
    command: Sequence[str], surroundings: Surroundings, errors: IO[str] | None
) -> subprocess.Popen[str]:
    """Start Terraform in a session of its own."""
    try:
        return subprocess.Popen(
            list(command),
            cwd=surroundings.directory,
            env=dict(surroundings.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors is None else errors,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise GradectlError(str(error), where=command[0]) from error


def _drain(
    process: subprocess.Popen[str], on_line: Callable[[str], None], interruption: Interruption
) -> None:
    """Read to the end, also when a line cannot be handled: a full pipe would hold Terraform up."""
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
    """Take the signals over for a while; only the main thread may."""
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
