"""The entry point: the list of commands, and the exit codes of errors."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, TextIO

import click

from gradectl import __version__
from gradectl.errors import DeadlineError, EndingError, ExitCode, OutputError, StoppedError
from gradectl.options import LazyGroup
from gradectl.processes.signals import prompt_signals
from grader.errors import GraderError

#: Command -> its line in `gradectl --help`, in the order of use. The command is the attribute of
#: this name in the module of this name; a test compares the lines with the docstrings.
COMMANDS = {
    "init": "Write environments/NAME/ for a new environment.",
    "bootstrap": "Create the state bucket, the image repository, and the role of a pipeline.",
    "import": "Write import blocks for resources that exist and that an apply would create again.",
    "render": "Write the Terraform files of an environment from its environment.yaml.",
    "image": "Build the image of the worker and push it.",
    "verify": "Check account, quotas, image, parameters and network before a deployment.",
    "validate": "Check the Terraform configuration in PATH.",
    "deploy": "Deploy an environment and prove that it works.",
    "plan": "Show the changes that an apply would make.",
    "apply": "Apply the files of an environment to its AWS account.",
    "drift": "Compare an environment with its account.",
    "recover": "Clean up after a run of Terraform that was killed.",
    "destroy": "Delete all resources of an environment.",
    "secrets": "List, check, store and rotate the secrets of an environment.",
    "api-key": "Make, list and revoke keys of the HTTP API.",
    "broker-users": "Set the passwords of a broker's users.",
    "db": "Migrate the database of an environment.",
    "local": "Run an emulated AWS account on this machine.",
    "problem": "Verify problems and upload them with their test cases.",
    "submit": "Submit the program in FILE for grading, or every program of a folder.",
    "result": "Show the result or the state of each REQUEST_ID.",
    "webhook": "List, send again and test the webhooks of an environment.",
    "function": "Push, run and list functions: small programs that run by name.",
    "rejudge": "Grade submissions again, compare the results, then accept or discard them.",
    "smoke": "Test ENVIRONMENT end to end with one job in each request queue.",
    "queue": "Inspect and repair the queues.",
    "transport": "Change the transport of an environment between ActiveMQ and Amazon SQS.",
    "status": "Show what runs in ENVIRONMENT, what is wrong, and the next command.",
    "doctor": "Look for the causes of known symptoms in ENVIRONMENT.",
    "revisions": "List the revisions of the workers or of the HTTP API, newest first.",
    "rollback": "Deploy an earlier revision of the workers: their task definition and image.",
    "logs": "Show the log of the workers or of the HTTP API, the oldest line first.",
    "exec": "Run a command in a running worker of ENVIRONMENT, by ECS Exec.",
    "version": "Show the versions of gradectl and its libraries.",
}


_FREE = "free space, then run the same command again"
_WRITABLE = "use a checkout that you may write to (--project), or change its rights"
#: Errors of files that any command may meet, and what to do about them.
_OF_THE_MACHINE = {
    errno.EACCES: _WRITABLE,
    errno.EDQUOT: _FREE,
    errno.ENOSPC: _FREE,
    errno.EPERM: _WRITABLE,
    errno.EROFS: _WRITABLE,
}

#: After this time the destructor that dropped the error of a signal has long ended.
_RAISED_AGAIN_SECONDS = 0.01


@click.command(
    "gradectl",
    cls=LazyGroup,
    package="gradectl.commands",
    lines=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: gradectl plan local",
)
@click.version_option(
    __version__, message="%(prog)s %(version)s", help="Show the version and exit."
)
def gradectl() -> None:
    """Deploy and operate an asynchronous code-grading system on AWS."""


def main(args: Sequence[str] | None = None) -> int:
    """
    Run one command line.

    Args:
        args: The arguments; those of the process when absent.

    Returns:
        The exit code of `gradectl.errors.ExitCode`.
    """
    with _guarded_streams():
        return _run(args)


def _run(args: Sequence[str] | None) -> int:
    """Run one command line with the signal handlers of gradectl."""
    before = _handle_signals()
    unraisable = sys.unraisablehook
    sys.unraisablehook = partial(_raise_again, report=unraisable)
    try:
        with prompt_signals():  # ends while a signal still has gradectl's handler
            code = gradectl.main(args, prog_name="gradectl", standalone_mode=False)
            sys.stdout.flush()
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _report(error.format_message(), "", "", ExitCode.ERROR)
    except click.Abort:
        return _report("stopped by SIGINT", "", "", ExitCode.INTERRUPTED)
    except (EndingError, GraderError, OSError) as error:
        return _ended(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if isinstance(code, int) else ExitCode.OK


def _ended(error: EndingError | GraderError | OSError) -> int:
    """Report an error, also one that the files of this machine may give to any command."""
    if isinstance(error, OSError):
        if error.errno not in _OF_THE_MACHINE:
            raise error  # a bug: with its traceback
        what, where = (error.strerror or str(error)).lower(), str(error.filename or "")
        return _report(what, where, _OF_THE_MACHINE[error.errno], ExitCode.OUTPUT)
    if isinstance(error, OutputError) and error.is_silent:
        return error.exit_code
    return _report(error.what, error.where, error.next_step, error.exit_code)


def _handle_signals() -> dict[signal.Signals, Any]:
    """Let signals raise errors that say what was stopped; returns the handlers before."""
    wanted = {
        signal.SIGINT: _stop,
        signal.SIGTERM: _stop,
        signal.SIGHUP: _stop,
        signal.SIGALRM: _expire,
    }
    for number in (signal.SIGINT, signal.SIGHUP):  # ignored in the background, and by nohup
        if signal.getsignal(number) is signal.SIG_IGN:
            del wanted[number]
    return {number: signal.signal(number, handler) for number, handler in wanted.items()}


@contextmanager
def _guarded_streams() -> Iterator[None]:
    """Replace stdout and stderr for the block, so that a failed write ends every command alike."""
    stdout, stderr = sys.stdout, sys.stderr
    # Python has none for a closed descriptor, whose number the next opened file would get.
    sys.stdout = _Output(stdout or _nowhere())
    sys.stderr = _Messages(stderr or _nowhere())
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - until the process ends


class _Output:
    """Stdout, whose failed writes raise `OutputError`; everything else is as in the stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise self._failed(error) from None

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> OutputError:
        """Drop what is buffered, because Python would report it again on exit."""
        _discard(self._stream)
        return OutputError(error)


class _Messages(_Output):
    """Stderr, whose failed writes are ignored: there is nowhere left to report them."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            _discard(self._stream)


def _discard(stream: TextIO) -> None:
    """Let all later writes of a stream go nowhere."""
    with suppress(OSError, ValueError):  # a stream of a test has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    """Stop the command; its context managers clean up."""
    raise StoppedError(number)


def _expire(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    """Stop the command when the --timeout expires."""
    text = "the --timeout expired"
    raise DeadlineError(text, next_step="increase or omit --timeout")


def _raise_again(
    lost: sys.UnraisableHookArgs, report: Callable[[sys.UnraisableHookArgs], Any]
) -> None:
    """
    Raise the error of a signal again, shortly after Python has dropped it.

    An exception that a signal handler raises while a destructor runs, for example one that the
    garbage collector calls, is only printed. The command would go on, without a deadline.
    """
    error = lost.exc_value
    if not isinstance(error, EndingError):
        report(lost)
        return

    def again(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
        raise error.with_traceback(None)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _RAISED_AGAIN_SECONDS)


def _usage(error: click.UsageError) -> int:
    """Report a mistake in the command line, with the help command as the next step."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    path = error.ctx.command_path if error.ctx else "gradectl"
    return _report(error.format_message(), path, f"{path} --help", ExitCode.USAGE)


def _report(what: str, where: str, next_step: str, code: int) -> int:
    """Write the error block: what, where, next."""
    lines = [("error", what), ("where", where), ("next", next_step)]
    for label, text in lines:
        if text:
            indented = "\n         ".join(text.strip().splitlines())
            click.echo(f"{label + ':':<8} {indented}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
