"""The entry point: the list of commands, and the exit codes of errors."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any

import click

from gradectl import __version__
from gradectl.errors import DeadlineError, EndingError, ExitCode, StoppedError
from gradectl.options import LazyGroup
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
    "broker-users": "Set the passwords of a broker's users.",
    "db": "Migrate the database of an environment.",
    "local": "Run an emulated AWS account on this machine.",
    "problem": "Verify problems and upload them with their test cases.",
    "submit": "Submit the program in FILE for grading.",
    "result": "Show the result or the state of REQUEST_ID.",
    "smoke": "Test ENVIRONMENT end to end with one job in each request queue.",
    "queue": "Inspect the queues without consuming messages.",
    "status": "Show what runs in ENVIRONMENT, what is wrong, and the next command.",
    "doctor": "Look for the causes of known symptoms in ENVIRONMENT.",
    "revisions": "List the revisions of the workers' task definition, newest first.",
    "rollback": "Deploy an earlier revision of the workers: their task definition and image.",
    "logs": "Show the log of the workers, the oldest line first.",
    "exec": "Run a command in a running worker of ENVIRONMENT, by ECS Exec.",
    "version": "Show the versions of gradectl and its libraries.",
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
    before = _handle_signals()
    unraisable = sys.unraisablehook
    sys.unraisablehook = partial(_raise_again, report=unraisable)
    try:
        code = gradectl.main(args, prog_name="gradectl", standalone_mode=False)
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _report(error.format_message(), "", "", ExitCode.ERROR)
    except click.Abort:
        return _report("stopped by SIGINT", "", "", ExitCode.INTERRUPTED)
    except (EndingError, GraderError) as error:
        return _report(error.what, error.where, error.next_step, error.exit_code)
    except BrokenPipeError:
        # The reader closed the pipe; without this, Python reports an error on flushing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if isinstance(code, int) else ExitCode.OK


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
