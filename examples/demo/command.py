"""Runs `gradectl` as a user does: one process per command, checked by its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: The environment of each transport.
ENVIRONMENTS = {"activemq": "local", "sqs": "local-sqs"}
TRANSPORT = os.environ.get("TRANSPORT") or "activemq"
_GRADECTL = str(Path(sys.executable).with_name("gradectl"))
_PROGRAMS: set[subprocess.Popen[str]] = set()
_STOPS: list[int] = []


class CommandError(Exception):
    """A command failed, or was not started because of a signal."""


def environment() -> str:
    """Return the environment of the demo; raises `CommandError` for an unknown transport."""
    if TRANSPORT not in ENVIRONMENTS:
        raise CommandError(f"TRANSPORT={TRANSPORT} is not one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[TRANSPORT]


def stop(number: int, _frame: FrameType | None) -> None:
    """
    Handle a signal: let running commands stop, and start no others.

    A terminal sends Ctrl-C to the whole process group, so the commands have it already; SIGTERM is
    passed on. No exception is raised, because it could interrupt any statement.
    """
    _STOPS.append(number)
    if number == signal.SIGTERM:
        for process in list(_PROGRAMS):
            process.terminate()


def stopped_by() -> int | None:
    """Return the number of the first signal, if there was one."""
    return _STOPS[0] if _STOPS else None


def clean_up(*arguments: str) -> None:
    """Run a last command that signals do not interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # inherited by the command
    _STOPS.clear()
    gradectl(*arguments)


def gradectl(*arguments: str) -> None:
    """Run a command with its output on the terminal; raises `CommandError` when it fails."""
    print(f"\n$ gradectl {' '.join(arguments)}", flush=True)
    process = _start(arguments)
    if _end(process)[0]:
        raise CommandError(f"gradectl {' '.join(arguments)}: exit code {process.returncode}")


def ask(*arguments: str, allowed: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """
    Run a command and parse its output.

    Args:
        arguments: The arguments; `--output json` is added.
        allowed: The accepted exit codes.

    Raises:
        CommandError: It failed; the message has its stderr.
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
    if _STOPS:  # a signal came between the check and the start
        process.terminate()
    return process


def _end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate()
    _PROGRAMS.discard(process)
    return process.returncode, stdout, stderr
