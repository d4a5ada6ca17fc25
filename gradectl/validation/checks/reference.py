"""
Checks that generated documentation is up to date.

A project generates its documentation with `scripts/reference.py`. With `--check` the program writes
nothing, exits with 0 when every file is up to date, and otherwise names the stale files on stderr.
With `--print` it writes nothing either, and prints the files that are out of date as a JSON object
of path and text; `gradectl validate --fix` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.processes.output import tail
from gradectl.validation.findings import Finding
from gradectl.validation.model import Change, Check, CheckContext, CheckJob

_GENERATOR = "scripts/reference.py"
_SOURCES = ("docs", "scripts", "gradectl", "grader", "modules")


def _jobs(context: CheckContext) -> list[CheckJob]:
    top = context.project.path
    program = top / _GENERATOR
    if not program.is_file():
        return []
    inputs = [top / name for name in _SOURCES]
    inputs += [folder.path for folder in context.project.of_kind("root")]
    subject = context.shown(program)
    run, fix = partial(_compare, context, program), partial(_fix, context, program)
    return [CheckJob(subject, inputs, run, fix)]


def _compare(context: CheckContext, program: Path) -> Iterator[Finding]:
    """Run the generator with `--check`; its last line of output is the finding."""
    done = context.tools.run([sys.executable, str(program), "--check"], context.project.path)
    if done.code == 0:
        return
    lines = [line.strip() for line in (done.output + done.errors).splitlines() if line.strip()]
    yield context.finding(program, 1, lines[-1] if lines else f"exit code {done.code}, no output")


def _fix(context: CheckContext, program: Path) -> Iterator[Change]:
    """Run the generator with `--print`."""
    done = context.tools.run([sys.executable, str(program), "--print"], context.project.path)
    try:
        files = json.loads(done.output)
        changes = [Change(context.project.path / name, files[name].encode()) for name in files]
    except (ValueError, TypeError, AttributeError) as error:
        text = tail(done.errors or done.output) or f"exit code {done.code}, no output"
        text = f"--print does not answer with a JSON object of paths and texts: {text}"
        hint = "run the generator without arguments, and add --skip reference to --fix"
        raise GradectlError(text, where=context.shown(program), next_step=hint) from error
    yield from changes


CHECK = Check(
    name="reference",
    purpose="Generated documentation is up to date",
    jobs=_jobs,
    absent=f"no {_GENERATOR}",
)
