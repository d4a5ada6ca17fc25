"""Checks that each wildcard in a policy document has a comment with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import HclError
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.policy_wildcards import without_reason
from gradectl.validation.project import Folder

_WHAT = "{key} {text!r} is a wildcard: list the values, or give the reason in a comment"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder."""
    return [
        CheckJob(context.shown(folder.path), [folder.path], partial(_check, context, folder))
        for folder in context.project.folders
    ]


def _check(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Check the files of a folder."""
    for path in folder.files:
        try:
            found = without_reason(path.read_text(encoding="utf-8"))
        except HclError as error:
            yield context.finding(path, error.line, str(error))
            continue
        for item in found:
            text = _WHAT.format(key=item.key, text=item.text)
            yield context.finding(path, item.line, text, rule="wildcard")


CHECK = Check(
    name="policies",
    purpose="No policy document has a wildcard without a reason",
    jobs=_jobs,
    absent="no folder has Terraform files",
)
