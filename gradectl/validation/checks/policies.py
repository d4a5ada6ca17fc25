"""Checks that each wildcard in a policy document has a comment with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import HclError, comments, parse, tokens
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.policy_files import ReadFile, policy_text, read_files
from gradectl.validation.policy_wildcards import names_wildcard, without_reason
from gradectl.validation.project import Folder, readable, source

_WHAT = "{key} {text!r} is a wildcard: list the values, or give the reason in a comment"
_WHERE = " with {text!r} in it on line {line} of {file}, which reads this file"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder."""
    return [
        CheckJob(context.shown(folder.path), _inputs(folder), partial(_check, context, folder))
        for folder in context.project.folders
    ]


def _inputs(folder: Folder) -> list[Path]:
    """A folder, and the policies elsewhere that it reads."""
    try:
        found = [read.path for path in folder.files for read in _read(folder, path)]
    except HclError:
        found = []
    return [folder.path, *found]


def _read(folder: Folder, path: Path) -> Iterator[ReadFile]:
    """Yield the files that a configuration file reads."""
    return read_files(readable(path), folder.path)


def _check(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Check the files of a folder, and those that they read."""
    for path in folder.files:
        try:
            text = source(path)
            found = without_reason(text)
            parse(text)
            files = list(_read(folder, path))
        except HclError as error:
            yield context.blocked(path, error.line, str(error))
            continue
        for item in found:
            what = _WHAT.format(key=item.key, text=item.text)
            yield context.finding(path, item.line, what, rule="wildcard")
        reasons = comments(tokens(text))
        for read in files:
            yield from _of_file(context, read, path, reasons.get(read.line, ""))


def _of_file(context: CheckContext, read: ReadFile, path: Path, reason: str) -> Iterator[Finding]:
    """Check a policy that a configuration file reads; JSON itself has no comments."""
    text = policy_text(read)
    if text is None:
        return
    try:
        found = without_reason(text)
    except HclError as error:
        yield context.blocked(read.path, error.line, f"invalid policy: {error}")
        return
    for item in found:
        if not names_wildcard(reason, item.text):
            what = (_WHAT + _WHERE).format(
                key=item.key, text=item.text, line=read.line, file=context.shown(path)
            )
            yield context.finding(read.path, item.line, what, rule="wildcard")


CHECK = Check(
    name="policies",
    purpose="No policy document has a wildcard without a reason",
    jobs=_jobs,
    absent="no folder has Terraform files",
)
