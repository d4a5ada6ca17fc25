"""One run of `gradectl validate`: selects the checks, runs them, collects the outcome."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gradectl.adapters.terraform.checking import check_environment
from gradectl.adapters.terraform.mirror import prepare
from gradectl.errors import UsageError
from gradectl.processes.tools import Tools
from gradectl.validation.baseline import Baseline
from gradectl.validation.catalogue import CHECKS, NAMES
from gradectl.validation.changes import changed_since, concerns
from gradectl.validation.findings import (
    CaseOutcome,
    CheckOutcome,
    Finding,
    Fix,
    Status,
    Validation,
    outcome,
)
from gradectl.validation.fingerprints import Fingerprints
from gradectl.validation.fixes import fix
from gradectl.validation.model import Check, CheckContext, CheckJob, Installation
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
        baseline: The known errors.

    Raises:
        ConfigurationError: A program that a check needs is missing, and cannot be offered.
        UsageError: No check is left to run, or the revision does not exist.
    """

    def __init__(
        self, context: CheckContext, selection: CheckSelection, baseline: Baseline | None = None
    ) -> None:
        self._context = context
        self._baseline = baseline
        chosen = selection.names()
        revision = selection.changed_since
        self._partial = revision is not None
        changed = changed_since(revision, context.project.path, context.tools) if revision else None
        self._jobs: dict[str, list[CheckJob]] = {}
        self._why_not: dict[str, CheckOutcome] = {}
        for check in CHECKS:
            jobs = check.jobs(context)
            affected = jobs if changed is None else _affected(jobs, changed)
            if not jobs:
                self._why_not[check.name] = _left_out(check, "not applicable", check.absent)
            elif check.name not in chosen:
                self._why_not[check.name] = _left_out(check, "skipped", _SKIPPED)
            elif not affected:
                self._why_not[check.name] = _left_out(check, "skipped", _UNCHANGED)
            else:
                self._jobs[check.name] = affected
        self.installations = self._missing(selection)
        self._cases: dict[str, list[CaseOutcome]] = {name: [] for name in self._jobs}
        self._identified: dict[tuple[str, Finding, bool], Finding] = {}
        self._unlisted: set[tuple[str, Finding]] = set()
        self._fingerprints = Fingerprints(context.project.path, context.here, [context.scratch])
        self._start, self._started = time.monotonic(), datetime.now(UTC)

    def _missing(self, selection: CheckSelection) -> dict[str, Installation]:
        """Require the programs of the checks; return those that can be installed instead."""
        found: dict[str, Installation] = {}
        for check in CHECKS:
            if check.name not in self._jobs:
                continue
            offer = None if check.name in selection.only else check.installation(self._context)
            if offer:
                found[check.name] = offer
            else:
                check.require(self._context)
        return found

    def leave_out(self, name: str, reason: str) -> None:
        """
        Skip a check that was selected, before the run.

        Raises:
            UsageError: No check is left to run.
        """
        check = next(check for check in CHECKS if check.name == name)
        self._why_not[name] = _left_out(check, "skipped", reason)
        del self._jobs[name], self._cases[name]
        if not self._jobs:
            text = "no check is left to run"
            raise UsageError(text, where=name, next_step=reason)

    def fix(self, *, dry_run: bool) -> Iterator[Fix]:
        """Correct what has one answer, and yield each file; see `gradectl.validation.fixes`."""
        return fix(self._jobs, self._context, dry_run=dry_run)

    @property
    def tasks(self) -> list[Task]:
        """The jobs of all selected checks, in order."""
        return [Task(name, job) for name, jobs in self._jobs.items() for job in jobs]

    def run(self, workers: int) -> Iterator[Event]:
        """Run all tasks, `workers` at a time, and yield events."""
        self._start, self._started = time.monotonic(), datetime.now(UTC)
        for event in run(self.tasks, self._context, workers):
            if isinstance(event, Finished):
                check = event.task.check
                found = tuple(self.identify(check, finding) for finding in event.case.findings)
                case = replace(event.case, findings=found)
                self._cases[check].append(case)
                yield Finished(event.task, case)
            else:
                yield event

    def identify(self, check: str, finding: Finding) -> Finding:
        """Add its fingerprint, and whether it is known; the same in each subject of a check."""
        key = (check, finding, finding.blocks)
        if key not in self._identified:
            fingerprint = self._fingerprints.of(finding)
            known = (
                self._baseline is not None
                and finding.fails
                and not finding.blocks
                and self._baseline.covers(check, fingerprint)
            )
            identified = replace(finding, fingerprint=fingerprint.digest, known=known)
            self._identified[key] = identified
            if known and self._baseline and not self._baseline.lists(check, fingerprint):
                self._unlisted.add((check, identified))
        return self._identified[key]

    def validation(self, fixes: Sequence[Fix] = ()) -> Validation:
        """
        Collect the outcomes of all checks.

        Args:
            fixes: What was corrected before the run.
        """
        checks = tuple(self._with_stale(self._outcome(check)) for check in CHECKS)
        return Validation(
            path=self._context.shown(self._context.project.path),
            seconds=time.monotonic() - self._start,
            checks=checks,
            started=self._started.strftime("%Y-%m-%dT%H:%M:%S"),
            providers_seconds=self._context.workspace.providers_seconds,
            baseline=self._context.shown(self._baseline.path) if self._baseline else "",
            fixes=tuple(fixes),
        )

    @property
    def complete(self) -> frozenset[str]:
        """The checks that looked at everything, or have nothing to look at."""
        if self._partial:
            return frozenset()
        done = {
            name
            for name, jobs in self._jobs.items()
            if len(self._cases[name]) == len(jobs)
            and not any(item.blocks for case in self._cases[name] for item in case.findings)
        }
        absent = {name for name, left in self._why_not.items() if left.status == "not applicable"}
        return frozenset(done | absent)

    @property
    def incomplete(self) -> Sequence[str]:
        """The checks that ran, but could not look at everything."""
        return [name for name in self._jobs if name not in self.complete]

    def _with_stale(self, found: CheckOutcome) -> CheckOutcome:
        """Add a warning for each entry of the baseline that a check no longer needs."""
        if not self._baseline or found.name not in self.complete:
            return found
        path = self._context.shown(self._baseline.path)
        stale = tuple(
            Finding(path, entry.line, f"{entry.text}; next: --update-baseline", "stale", "warning")
            for entry in self._baseline.stale({found.name})
        )
        case = CaseOutcome(path, 0.0, stale)
        return replace(found, cases=(*found.cases, case)) if stale else found

    def _outcome(self, check: Check) -> CheckOutcome:
        """The outcome of one check."""
        if check.name in self._why_not:
            return self._why_not[check.name]
        cases = self._cases[check.name]
        if cases:
            if check.name in self.incomplete:
                cases = [self._without_new(check.name, case) for case in cases]
            return outcome(check.name, check.purpose, cases)
        subjects = ", ".join(job.subject for job in self._jobs[check.name])
        return CheckOutcome(check.name, check.purpose, "would run", reason=subjects)

    def _without_new(self, check: str, case: CaseOutcome) -> CaseOutcome:
        """List the errors that a new baseline would have, of a check whose entries stay as is."""
        found = tuple(
            replace(item, known=item.known and (check, item) not in self._unlisted)
            for item in case.findings
        )
        return replace(case, findings=found)


def _affected(jobs: Iterable[CheckJob], changed: Collection[Path]) -> list[CheckJob]:
    """The jobs that a changed file concerns, with less to look at where that is possible."""
    found = [job for job in jobs if concerns(job.inputs, changed)]
    return [job.narrowed(changed) if job.narrowed else job for job in found]


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
