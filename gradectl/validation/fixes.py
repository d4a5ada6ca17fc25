"""Applies the corrections that have only one answer: format, rendered files, references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gradectl.validation.file_writer import replace_file
from gradectl.validation.findings import Fix, FixState
from gradectl.validation.model import CheckContext, CheckJob


def fix(
    jobs: Mapping[str, Sequence[CheckJob]], context: CheckContext, *, dry_run: bool
) -> Iterator[Fix]:
    """
    Correct files one after the other, and yield each with what was done.

    A file is replaced as a whole. One outside of the checked folder, behind a symbolic link for
    example, is left alone.

    Args:
        jobs: The jobs by check.
        context: Context of the checks.
        dry_run: Whether to write nothing.

    Raises:
        GradectlError: A file cannot be written, or a generator failed; files yielded so far are
            written, all others unchanged.
    """
    for check, subjects in jobs.items():
        for job in subjects:
            for change in job.fix() if job.fix else ():
                inside = change.path.resolve().is_relative_to(context.project.path)
                if inside and not dry_run:
                    replace_file(change.path, change.content)
                done: FixState = "would fix" if dry_run else "fixed"
                yield Fix(check, context.shown(change.path), done if inside else "outside")
