"""One run of `gradectl validate`: which checks, in which surroundings, with which outcome."""

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
from gradectl.validation.workbench import TerraformWorkspace

_SKIPPED = "by --only or --skip"
_UNCHANGED = "nothing that it looks at changed"


@dataclass(frozen=True)
class Request:
    """What was asked for: the names of checks, and the revision of `--changed-since`."""

    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    changed_since: str | None = None

    def chosen(self) -> frozenset[str]:
        """
        Work out the checks to run.

        Raises:
            UsageError: None is left.
        """
        names = frozenset(self.only or NAMES) - frozenset(self.skip)
        if not names:
            text = "no check is left to run"
            raise UsageError(text, where="--only, --skip", next_step=f"names: {', '.join(NAMES)}")
        return names


class Session:
    """
    One run.

    Args:
        context: What to work with.
        request: What was asked for.

    Raises:
        ConfigurationError: A program that a check needs is missing.
        UsageError: Nothing is left to do, or the revision does not exist.
    """

    def __init__(self, context: CheckContext, request: Request) -> None:
        """Choose the subjects; nothing runs yet."""
        self._scene = context
        chosen = request.chosen()
        revision = request.changed_since
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
        """All subjects of all checks, in order."""
        return [Task(name, job) for name, jobs in self._jobs.items() for job in jobs]

    def run(self, workers: int) -> Iterator[Event]:
        """Look at everything, so many subjects at a time, and give what happens."""
        for event in run(self.tasks, self._scene, workers):
            if isinstance(event, Finished):
                self._cases[event.task.check].append(event.case)
            yield event

    def validation(self) -> Validation:
        """Put together what became of all checks."""
        seconds = time.monotonic() - self._start
        checks = tuple(self._outcome(check) for check in CHECKS)
        return Validation(self._scene.shown(self._scene.project.path), seconds, checks)

    def _outcome(self, check: Check) -> CheckOutcome:
        """Say what became of one check."""
        if check.name in self._why_not:
            return self._why_not[check.name]
        cases = self._cases[check.name]
        if cases:
            return outcome(check.name, check.purpose, cases)
        subjects = ", ".join(job.subject for job in self._jobs[check.name])
        return CheckOutcome(check.name, check.purpose, "would run", reason=subjects)


def _left_out(check: Check, status: Status, reason: str) -> CheckOutcome:
    """Say why a check does not run."""
    return CheckOutcome(check.name, check.purpose, status, reason=reason)


@contextmanager
def opened(path: Path, environ: Mapping[str, str], here: Path) -> Iterator[CheckContext]:
    """
    Open a project for checks; everything that was started is ended on the way out.

    Args:
        path: The folder.
        environ: The process environment.
        here: Paths are shown as seen from here.

    Raises:
        ConfigurationError: There is no Terraform, or GRADECTL_PLUGIN_DIR is wrong.
    """
    project = Project(path)
    cache = cache_folder(environ)
    with tempfile.TemporaryDirectory(prefix="gradectl-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        providers = prepare(environ, scratch, cache / "plugins")
        tools = Tools({**check_environment(environ, scratch), **providers})
        try:
            bench = TerraformWorkspace(project, tools, scratch)
            yield CheckContext(project, bench, tools, scratch, cache, here)
        finally:
            tools.stop()


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Name the folder for what may be kept for the next run."""
    home = Path(environ.get("HOME") or tempfile.gettempdir())
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "gradectl"


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
