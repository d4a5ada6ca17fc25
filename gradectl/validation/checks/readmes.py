"""Checks the examples in READMEs: format, and arguments of the modules they call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.checks.fmt import unformatted
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.readme_examples import (
    Example,
    Mistake,
    Variables,
    examples,
    mistakes,
    variables,
)

_README = "README.md"


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each README with examples."""
    folders = dict.fromkeys([context.project.path, *(one.path for one in context.project.folders)])
    modules = [folder.path for folder in context.project.of_kind("module")]
    found: list[CheckJob] = []
    for path in (folder / _README for folder in folders):
        if path.is_file() and examples(path.read_text(encoding="utf-8")):
            inputs = [path, *modules]
            found.append(CheckJob(context.shown(path), inputs, partial(_check, context, path)))
    return found


def _check(context: CheckContext, path: Path) -> Iterator[Finding]:
    """Check the examples of one page."""
    modules = {
        folder.path.name: variables(block for _, block in folder.blocks)
        for folder in context.project.of_kind("module")
    }
    for example in examples(path.read_text(encoding="utf-8")):
        wrong = list(_mistakes(example, modules))
        for item in wrong:
            yield context.finding(path, item.line, item.what, rule="example")
        if not wrong:
            yield from unformatted(context, path, example.text, example.line)


def _mistakes(example: Example, modules: dict[str, Variables]) -> Iterator[Mistake]:
    """Check one example; without local modules, only its format is checked."""
    return mistakes(example, modules) if modules else iter(())


CHECK = Check(
    name="readmes",
    purpose="The examples in READMEs match the modules",
    jobs=_jobs,
    absent=f"no {_README} with an example",
    require=lambda context: context.workspace.require(),
)
