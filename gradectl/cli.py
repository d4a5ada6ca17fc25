"""The entry point: which commands there are, and how an error becomes an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from gradectl import __version__
from gradectl.errors import DeadlineError, EndingError, ExitCode, StoppedError
from gradectl.options import LazyGroup
from grader.errors import GraderError

#: Command -> its line in `gradectl --help`, in the order of use. The command is the attribute
#: of this name in the module of this name; a test holds the lines true.
COMMANDS = {
    "bootstrap": "Make the bucket of the state and the image repository.",
    "render": "Write the tfvars of an environment from its environment.yaml.",
    "validate": "Check the Terraform configuration in PATH.",
    "plan": "Show what an apply would change.",
    "apply": "Bring an environment to what its files say.",
    "destroy": "Remove everything of an environment.",
    "local": "Run the emulated cloud on this machine.",
    "problem": "Verify problems and upload them with their test cases.",
    "submit": "Send the program in FILE to be graded.",
    "result": "Show what became of REQUEST_ID.",
    "smoke": "Prove that ENVIRONMENT grades, end to end.",
    "queue": "Look into the queues without taking anything out.",
    "version": "Show the versions of gradectl and what it uses.",
}


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
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup makes it
        signal.signal(signal.SIGHUP, _stop)
    signal.signal(signal.SIGALRM, _expire)
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
        # The reader of our output has left. Python would complain about what is still buffered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return code if isinstance(code, int) else ExitCode.OK


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    """Leave in good order: context managers run on the way out."""
    raise StoppedError(number)


def _expire(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    """End the command when the time of --timeout is over."""
    text = "the time given with --timeout is over"
    raise DeadlineError(text, next_step="raise --timeout, or leave it out")


def _usage(error: click.UsageError) -> int:
    """Say what is wrong with the command line, and how to see what is right."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    path = error.ctx.command_path if error.ctx else "gradectl"
    return _report(error.format_message(), path, f"{path} --help", ExitCode.USAGE)


def _report(what: str, where: str, next_step: str, code: int) -> int:
    """Write the one error block: what, where, next."""
    lines = [("error", what), ("where", where), ("next", next_step)]
    for label, text in lines:
        if text:
            indented = "\n         ".join(text.strip().splitlines())
            click.echo(f"{label + ':':<8} {indented}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
