"""Checks that each module that comes from elsewhere has a fixed version: a tag or a commit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gradectl.validation.findings import Finding, Severity
from gradectl.validation.hcl import HclError, parse
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.module_versions import unpinned
from gradectl.validation.project import Folder, source


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder."""
    return [
        CheckJob(context.shown(folder.path), [folder.path], partial(_check, context, folder))
        for folder in context.project.folders
    ]


def _check(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Judge the module blocks of a folder."""
    for path in folder.files:
        try:
            blocks = parse(source(path))
        except HclError as error:
            yield context.blocked(path, error.line, str(error))
            continue
        for block in blocks:
            found = unpinned(block) if block.kind == "module" else None
            if found:
                severity: Severity = "warning" if found.warning else "error"
                yield context.finding(path, found.line, found.what, "unpinned", severity)


CHECK = Check(
    name="module-versions",
    purpose="Each module from elsewhere has a fixed version",
    jobs=_jobs,
    absent="no folder has Terraform files",
)
