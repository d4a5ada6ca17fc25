"""
Checks that generated documentation is up to date.

A project generates its documentation with `scripts/reference.py`. With `--check` the program writes
nothing, exits with 0 when every file is up to date, and otherwise names the stale files on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob

_GENERATOR = "scripts/reference.py"
_SOURCES = ("docs", "scripts", "gradectl", "grader", "modules")


def _jobs(context: CheckContext) -> list[CheckJob]:
    top = context.project.path
    program = top / _GENERATOR
    if not program.is_file():
        return []
    inputs = [top / name for name in _SOURCES]
    inputs += [folder.path for folder in context.project.of_kind("root")]
    return [CheckJob(context.shown(program), inputs, partial(_compare, context, program))]


def _compare(context: CheckContext, program: Path) -> Iterator[Finding]:
    """Run the generator with `--check`; its last line of output is the finding."""
    done = context.tools.run([sys.executable, str(program), "--check"], context.project.path)
    if done.code == 0:
        return
    lines = [line.strip() for line in (done.output + done.errors).splitlines() if line.strip()]
    yield context.finding(program, 1, lines[-1] if lines else f"exit code {done.code}, no output")


CHECK = Check(
    name="reference",
    purpose="Generated documentation is up to date",
    jobs=_jobs,
    absent=f"no {_GENERATOR}",
)
