"""Checks that the rendered files of each environment match its environment.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gradectl.deploy.rendering import outdated, rendered
from gradectl.environment import FILE, FOLDER, load, names
from gradectl.errors import ConfigurationError
from gradectl.validation.checks.fmt import differing_lines
from gradectl.validation.findings import Finding
from gradectl.validation.model import Change, Check, CheckContext, CheckJob


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each environment."""
    top = context.project.path
    return [
        CheckJob(
            name,
            [top / FOLDER / name, *sorted((top / FOLDER).glob("variables*.tf")), top / "templates"],
            partial(_check, context, name),
            partial(_fix, context, name),
        )
        for name in names(top)
    ]


def _check(context: CheckContext, name: str) -> Iterator[Finding]:
    """Render one environment and compare its files."""
    top = context.project.path
    try:
        environment = load(top, name)
        files = {} if environment.external else rendered(top, environment)
    except ConfigurationError as error:
        yield context.finding(top / FOLDER / name / FILE, 1, str(error))
        return
    for path in outdated(files):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        line = next(iter(differing_lines(text, files[path])), 1)
        yield context.finding(path, line, f"differs from {FILE}; next: gradectl render {name}")


def _fix(context: CheckContext, name: str) -> Iterator[Change]:
    """Render the files that are out of date; an invalid environment is left to the check."""
    top = context.project.path
    try:
        environment = load(top, name)
        files = {} if environment.external else rendered(top, environment)
    except ConfigurationError:
        return
    for path in outdated(files):
        yield Change(path, files[path].encode())


CHECK = Check(
    name="rendered",
    purpose="The rendered files of each environment are up to date",
    jobs=_jobs,
    absent=f"no {FOLDER}/NAME/{FILE}",
)
