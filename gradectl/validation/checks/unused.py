"""Checks that each variable and local value is used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import HclError, parse
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder, readable, source
from gradectl.validation.unused import REASON, unused

_WHAT = "{kind} {name!r} is not used: delete it, or give the reason in a comment '# {reason} ...'"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder."""
    return [
        CheckJob(context.shown(folder.path), [folder.path], partial(_check, context, folder))
        for folder in context.project.folders
    ]


def _check(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Compare the declarations of a folder with its expressions."""
    texts: dict[str, str] = {}
    for path in folder.files:
        try:
            texts[path.name] = source(path)
            parse(texts[path.name])
        except HclError as error:
            # What this file uses is unknown, so the others cannot be judged.
            yield context.blocked(path, error.line, str(error))
            return
    # The check `test` reports broken test files.
    tests = [source(path) for path in folder.tests if readable(path)]
    json = [source(path) for path in sorted(folder.path.glob("*.tf.json"))]
    for found in unused(texts, tests, json):
        what = _WHAT.format(kind=found.kind, name=found.name, reason=REASON)
        yield context.finding(folder.path / found.file, found.line, what, rule=found.kind)


CHECK = Check(
    name="unused",
    purpose="Each variable and local value is used",
    jobs=_jobs,
    absent="no folder has Terraform files",
)
