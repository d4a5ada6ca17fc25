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
from gradectl.validation.model import Check, CheckJob, Scene
from grader.contract.schemas import schemas

_GENERATORS = "scripts/*_reference.py"
_SCHEMAS = "docs/schemas"
_NEXT = "next: make docs"


def _jobs(scene: Scene) -> list[CheckJob]:
    """Ask each generator, and compare the schemas of the messages."""
    top = scene.project.path
    sources = [top / name for name in ("docs", "scripts", "gradectl", "grader", "modules")]
    sources += [folder.path for folder in scene.project.of_kind("root")]
    jobs = [
        CheckJob(scene.shown(path), sources, partial(_ask, scene, path))
        for path in sorted(top.glob(_GENERATORS))
    ]
    folder = top / _SCHEMAS
    if any((folder / name).is_file() for name in schemas()):
        inputs = [folder, top / "grader/contract"]
        jobs.append(CheckJob(scene.shown(folder), inputs, lambda: _compare(scene, folder)))
    return jobs


def _ask(scene: Scene, program: Path) -> Iterator[Finding]:
    """Let one generator look."""
    done = scene.tools.run([sys.executable, str(program), "--check"], scene.project.path)
    if done.code == 0:
        return
    said = [line.strip() for line in (done.output + done.errors).splitlines() if line.strip()]
    yield scene.finding(program, 1, said[-1] if said else f"it ended with {done.code}")


def _compare(scene: Scene, folder: Path) -> Iterator[Finding]:
    """Hold the published schemas of the messages against the messages."""
    for name, content in schemas().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            yield scene.finding(path, 1, f"not what the messages are; {_NEXT}")


CHECK = Check(
    name="reference",
    purpose="Generated documentation is fresh",
    jobs=_jobs,
    absent=f"there is no {_GENERATORS} and no {_SCHEMAS} of messages",
)
