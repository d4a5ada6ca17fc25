"""Running `gradectl` as a person does: one process a command, its exit code and its words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_GRADECTL = str(Path(sys.executable).with_name("gradectl"))
_PROGRAMS: set[subprocess.Popen[str]] = set()
_STOPS: list[int] = []


class CommandError(Exception):
    """A command ended otherwise than it should, or was not started because we are to stop."""


def stop(number: int, _frame: FrameType | None) -> None:
    """
    Handle a signal: let what runs end in good order, and start nothing more.

    A Ctrl-C goes to all programs of the terminal, so ours have it already; a SIGTERM is for us
    alone and is passed on.  Nothing is raised, for that could tear any line in two.
    """
    _STOPS.append(number)
    if number == signal.SIGTERM:
        for process in list(_PROGRAMS):
            process.terminate()


def stopped_by() -> int | None:
    """Give the signal that stopped us, if one did."""
    return _STOPS[0] if _STOPS else None


def tidy_up(*arguments: str) -> None:
    """Run a last command, which no signal may keep from being done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # and so it is for the command
    _STOPS.clear()
    gradectl(*arguments)


def gradectl(*arguments: str) -> None:
    """Run a command in front of the person; raises `CommandError` when it fails."""
    print(f"\n$ gradectl {' '.join(arguments)}", flush=True)
    process = _start(arguments)
    if _end(process)[0]:
        raise CommandError(f"gradectl {' '.join(arguments)}: exit code {process.returncode}")


def ask(*arguments: str, allowed: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """
    Run a command for its data.

    Args:
        arguments: The command; `--output json` is added.
        allowed: Exit codes that are as they should be.

    Raises:
        CommandError: It failed; holds what it said.
    """
    process = _start(["--output", "json", *arguments], piped=True)
    code, stdout, stderr = _end(process)
    if code not in allowed:
        raise CommandError(f"gradectl {' '.join(arguments)}: exit code {code}\n{stderr}")
    document: dict[str, Any] = json.loads(stdout)
    return document


def _start(arguments: list[str] | tuple[str, ...], *, piped: bool = False) -> subprocess.Popen[str]:
    if _STOPS:
        raise CommandError(f"gradectl {' '.join(arguments)}: not started")
    pipe = subprocess.PIPE if piped else None
    process = subprocess.Popen(
        [_GRADECTL, *arguments], cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    )
    _PROGRAMS.add(process)
    if _STOPS:  # the signal came before the program could know of it
        process.terminate()
    return process


def _end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate()
    _PROGRAMS.discard(process)
    return process.returncode, stdout, stderr
