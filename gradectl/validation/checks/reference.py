"""
Whether generated documentation says what its sources say.

A project's generators are programs `scripts/*_reference.py` that take `--check` and then only look:
they end with 0 when everything is fresh, else they say on the second stream what is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from grader.contract.schemas import schemas

_GENERATORS = "scripts/*_reference.py"
_SCHEMAS = "docs/schemas"
_NEXT = "next: make docs"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """Ask each generator, and compare the schemas of the messages."""
    top = context.project.path
    sources = [top / name for name in ("docs", "scripts", "gradectl", "grader", "modules")]
    sources += [folder.path for folder in context.project.of_kind("root")]
    jobs = [
        CheckJob(context.shown(path), sources, partial(_ask, context, path))
        for path in sorted(top.glob(_GENERATORS))
    ]
    folder = top / _SCHEMAS
    if any((folder / name).is_file() for name in schemas()):
        inputs = [folder, top / "grader/contract"]
        jobs.append(CheckJob(context.shown(folder), inputs, lambda: _compare(context, folder)))
    return jobs


def _ask(context: CheckContext, program: Path) -> Iterator[Finding]:
    """Let one generator look."""
    done = context.tools.run([sys.executable, str(program), "--check"], context.project.path)
    if done.code == 0:
        return
    said = [line.strip() for line in (done.output + done.errors).splitlines() if line.strip()]
    yield context.finding(program, 1, said[-1] if said else f"it ended with {done.code}")


def _compare(context: CheckContext, folder: Path) -> Iterator[Finding]:
    """Hold the published schemas of the messages against the messages."""
    for name, content in schemas().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            yield context.finding(path, 1, f"not what the messages are; {_NEXT}")


CHECK = Check(
    name="reference",
    purpose="Generated documentation is fresh",
    jobs=_jobs,
    absent=f"there is no {_GENERATORS} and no {_SCHEMAS} of messages",
)
