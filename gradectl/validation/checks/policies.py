"""Whether each wildcard in a policy document has its reason beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import HclError
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.policy_wildcards import without_reason
from gradectl.validation.project import Folder

_WHAT = "{key} {text!r} allows more than one thing; name it, or say why in a comment beside it"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """Look at each folder."""
    return [
        CheckJob(context.shown(folder.path), [folder.path], partial(_look, context, folder))
        for folder in context.project.folders
    ]


def _look(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Look at the files of a folder."""
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
    absent="there is no folder with Terraform files",
)
