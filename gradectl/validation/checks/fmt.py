"""Checks the format of Terraform files with `terraform fmt`."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import HclError
from gradectl.validation.model import Change, Check, CheckContext, CheckJob
from gradectl.validation.project import source


def differing_lines(text: str, formatted: str) -> list[int]:
    """First line numbers of the parts that differ between a text and its formatted version."""
    matcher = SequenceMatcher(None, text.splitlines(), formatted.splitlines(), autojunk=False)
    return [start + 1 for kind, start, *_ in matcher.get_opcodes() if kind != "equal"]


def unformatted(
    context: CheckContext, path: Path, text: str, first_line: int = 1
) -> Iterator[Finding]:
    """
    Find the lines of a text that `terraform fmt` would change.

    Args:
        context: Context of the checks.
        path: The file that contains the text.
        text: Terraform configuration.
        first_line: Line in the file where the text begins.
    """
    formatted = context.workspace.terraform.formatted(text, context.project.path)
    offset = first_line - 1
    if formatted.text is None:
        yield context.blocked(path, formatted.line + offset, formatted.error)
        return
    for line in differing_lines(text, formatted.text):
        yield context.finding(path, line + offset, "terraform fmt would change this line")


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for all files, which starts Terraform once."""
    files = context.project.formatted_files
    return [_job(context, files)] if files else []


def _job(context: CheckContext, files: Sequence[Path]) -> CheckJob:
    """The job for some files."""

    def run() -> Iterator[Finding]:
        for path in context.workspace.terraform.unformatted(files, context.project.path):
            try:
                text = source(path)
            except HclError as error:
                yield context.blocked(path, error.line, str(error))
            else:
                yield from unformatted(context, path, text)

    def narrowed(changed: Collection[Path]) -> CheckJob:
        job = _job(context, [path for path in files if path.resolve() in changed])
        return replace(job, subject=f"{len(job.inputs)} of {len(files)} files")

    subject = f"all {len(files)} files"
    return CheckJob(subject, files, run, lambda: _fix(context, files), narrowed)


def _fix(context: CheckContext, files: Sequence[Path]) -> Iterator[Change]:
    """Format copies, so that a file keeps its line endings and is never half written."""
    terraform = context.workspace.terraform
    for number, path in enumerate(terraform.unformatted(files, context.project.path)):
        copy = context.scratch / "fmt" / str(number) / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        terraform.format_file(copy)
        if copy.read_bytes() != path.read_bytes():
            yield Change(path, copy.read_bytes())


CHECK = Check(
    name="fmt",
    purpose="Terraform files are formatted with terraform fmt",
    jobs=_jobs,
    absent="no file that terraform fmt formats",
    require=lambda context: context.workspace.require(),
)
