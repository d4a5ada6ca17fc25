"""Runs `gradectl` in the process of the test, because a new one takes longer than most commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradectl.cli import main


class ExpiringOutput(io.StringIO):
    """
    Standard output on which the --timeout of the command expires, whatever the time.

    Args:
        lines: Number of lines after which it does.
    """

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines

    def write(self, text: str) -> int:
        """Send the signal of the timer after the last line."""
        written = super().write(text)
        if self.getvalue().count("\n") == self._lines:
            signal.raise_signal(signal.SIGALRM)
        return written


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The output, parsed as JSON."""
        return json.loads(self.stdout)


class InterruptedAt(io.StringIO):
    """A stream that sends this process SIGINT once, when certain words were written to it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def write(self, text: str) -> int:
        """Write, and send the signal."""
        count = super().write(text)
        if self._words and self._words in text:
            self._words = ""
            signal.raise_signal(signal.SIGINT)
        return count


def run(
    root: Path,
    environ: Mapping[str, str],
    *arguments: str,
    out: io.StringIO | None = None,
    errors: io.StringIO | None = None,
) -> CommandResult:
    """
    Run a command in this process.

    Args:
        root: The folder that the command is started in.
        environ: All its environment variables.
        arguments: The command line after `gradectl`.
        out: Its standard output; a new stream when absent.
        errors: Its standard error; a new stream when absent.
    """
    out, err = out or io.StringIO(), errors or io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(contextlib.chdir(root))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(only_environ(environ))
        code = main(arguments)
    return CommandResult(code, out.getvalue(), err.getvalue())


@contextmanager
def only_environ(wanted: Mapping[str, str]) -> Iterator[None]:
    """Replace the process environment for the block."""
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
