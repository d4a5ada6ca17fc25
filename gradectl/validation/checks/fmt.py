"""Whether Terraform's files have the canonical form."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob


def differing_lines(text: str, formatted: str) -> list[int]:
    """Number the first line of each part of a text that would be written otherwise."""
    matcher = SequenceMatcher(None, text.splitlines(), formatted.splitlines(), autojunk=False)
    return [start + 1 for kind, start, *_ in matcher.get_opcodes() if kind != "equal"]


def unformatted(
    context: CheckContext, path: Path, text: str, first_line: int = 1
) -> Iterator[Finding]:
    """
    Say where a text has another form than `terraform fmt` gives it.

    Args:
        context: What to work with.
        path: The file that the text is in.
        text: Terraform.
        first_line: Where it begins in the file.
    """
    formatted = context.bench.terraform.formatted(text, context.project.path)
    offset = first_line - 1
    if formatted.text is None:
        yield context.finding(path, formatted.line + offset, formatted.error)
        return
    for line in differing_lines(text, formatted.text):
        yield context.finding(path, line + offset, "terraform fmt would write it otherwise")


def _jobs(context: CheckContext) -> list[CheckJob]:
    """Look at all files at once: one start of Terraform."""
    files = context.project.formatted_files

    def run() -> Iterator[Finding]:
        for path in context.bench.terraform.unformatted(files, context.project.path):
            yield from unformatted(context, path, path.read_text(encoding="utf-8"))

    return [CheckJob(f"all {len(files)} files", files, run)] if files else []


CHECK = Check(
    name="fmt",
    purpose="Terraform's files have the canonical form",
    jobs=_jobs,
    absent="there is no file that Terraform formats",
    require=lambda context: context.bench.require(),
)
