"""Running `gradectl` as a person does: one process a command, its exit code and its words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_GRADECTL = str(Path(sys.executable).with_name("gradectl"))
_PROGRAMS: set[subprocess.Popen[str]] = set()


class CommandError(Exception):
    """A command ended otherwise than it should."""


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


def stop_all() -> None:
    """Ask what still runs to stop, and wait until it has."""
    for process in list(_PROGRAMS):
        process.terminate()
    for process in list(_PROGRAMS):
        process.wait()


def _start(arguments: list[str] | tuple[str, ...], *, piped: bool = False) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE if piped else None
    process = subprocess.Popen(
        [_GRADECTL, *arguments], cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    )
    _PROGRAMS.add(process)
    return process


def _end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate()
    _PROGRAMS.discard(process)
    return process.returncode, stdout, stderr
