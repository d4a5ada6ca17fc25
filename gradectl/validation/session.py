"""One run of `gradectl validate`: selects the checks, runs them, collects the outcome."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradectl.adapters.terraform.checking import check_environment
from gradectl.adapters.terraform.mirror import prepare
from gradectl.errors import UsageError
from gradectl.processes.tools import Tools
from gradectl.validation.catalogue import CHECKS, NAMES
from gradectl.validation.changes import changed_since, concerns
from gradectl.validation.findings import CaseOutcome, CheckOutcome, Status, Validation, outcome
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Project
from gradectl.validation.runner import Event, Finished, Task, run
from gradectl.validation.terraform_workspace import TerraformWorkspace

_SKIPPED = "by --only or --skip"
_UNCHANGED = "none of its files changed"


@dataclass(frozen=True)
class CheckSelection:
    """The checks to run: names of `--only` and `--skip`, revision of `--changed-since`."""

    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    changed_since: str | None = None

    def names(self) -> frozenset[str]:
        """
        Names of the checks to run.

        Raises:
            UsageError: No check is left.
        """
        names = frozenset(self.only or NAMES) - frozenset(self.skip)
        if not names:
            text = "no check is left to run"
            raise UsageError(text, where="--only, --skip", next_step=f"names: {', '.join(NAMES)}")
        return names


class Session:
    """
    One run; making one selects the jobs, `run` performs them.

    Args:
        context: Context of the checks.
        selection: The checks to run.

    Raises:
        ConfigurationError: A program that a check needs is missing.
        UsageError: No check is left to run, or the revision does not exist.
    """

    def __init__(self, context: CheckContext, selection: CheckSelection) -> None:
        self._context = context
        chosen = selection.names()
        revision = selection.changed_since
        changed = changed_since(revision, context.project.path, context.tools) if revision else None
        self._jobs: dict[str, list[CheckJob]] = {}
        self._why_not: dict[str, CheckOutcome] = {}
        for check in CHECKS:
            jobs = check.jobs(context)
            affected = [job for job in jobs if changed is None or concerns(job.inputs, changed)]
            if not jobs:
                self._why_not[check.name] = _left_out(check, "not applicable", check.absent)
            elif check.name not in chosen:
                self._why_not[check.name] = _left_out(check, "skipped", _SKIPPED)
            elif not affected:
                self._why_not[check.name] = _left_out(check, "skipped", _UNCHANGED)
            else:
                self._jobs[check.name] = affected
        for check in CHECKS:
            if check.name in self._jobs:
                check.require(context)
        self._cases: dict[str, list[CaseOutcome]] = {name: [] for name in self._jobs}
        self._start = time.monotonic()

    @property
    def tasks(self) -> list[Task]:
        """The jobs of all selected checks, in order."""
        return [Task(name, job) for name, jobs in self._jobs.items() for job in jobs]

    def run(self, workers: int) -> Iterator[Event]:
        """Run all tasks, `workers` at a time, and yield events."""
        for event in run(self.tasks, self._context, workers):
            if isinstance(event, Finished):
                self._cases[event.task.check].append(event.case)
            yield event

    def validation(self) -> Validation:
        """Collect the outcomes of all checks."""
        seconds = time.monotonic() - self._start
        checks = tuple(self._outcome(check) for check in CHECKS)
        return Validation(self._context.shown(self._context.project.path), seconds, checks)

    def _outcome(self, check: Check) -> CheckOutcome:
        """The outcome of one check."""
        if check.name in self._why_not:
            return self._why_not[check.name]
        cases = self._cases[check.name]
        if cases:
            return outcome(check.name, check.purpose, cases)
        subjects = ", ".join(job.subject for job in self._jobs[check.name])
        return CheckOutcome(check.name, check.purpose, "would run", reason=subjects)


def _left_out(check: Check, status: Status, reason: str) -> CheckOutcome:
    """The outcome of a check that does not run."""
    return CheckOutcome(check.name, check.purpose, status, reason=reason)


@contextmanager
def open_context(path: Path, environ: Mapping[str, str], here: Path) -> Iterator[CheckContext]:
    """
    Open a project for checks, and stop all programs at the end of the block.

    Args:
        path: The folder.
        environ: The process environment.
        here: Working directory; paths in findings are relative to it.

    Raises:
        ConfigurationError: No Terraform files in the folder, or GRADECTL_PLUGIN_DIR is invalid.
    """
    project = Project(path)
    cache = cache_folder(environ)
    with tempfile.TemporaryDirectory(prefix="gradectl-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        providers = prepare(environ, scratch, cache / "plugins")
        tools = Tools({**check_environment(environ, scratch), **providers})
        try:
            workspace = TerraformWorkspace(project, tools, scratch)
            yield CheckContext(project, workspace, tools, scratch, cache, here)
        finally:
            tools.stop()


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The folder of caches that persist between runs."""
    home = Path(environ.get("HOME") or tempfile.gettempdir())
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "gradectl"


def cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
