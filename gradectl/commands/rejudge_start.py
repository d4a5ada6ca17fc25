"""`gradectl rejudge start`."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.rejudge_options import SelectedJobs, checked_name, selection_options
from gradectl.context import pass_context
from gradectl.errors import EndingError, ExitCode, UsageError
from gradectl.job_table import finished_jobs_of
from gradectl.options import command
from gradectl.rejudging.comparison import Outcome
from gradectl.rejudging.grading import Grading, Progress, Services
from gradectl.rejudging.request import KnownLimits
from gradectl.rejudging.selection import select_jobs
from gradectl.rejudging.state_file import (
    StateFile,
    create_state,
    open_state,
    rejudging_names,
    state_folder,
)
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.errors import GraderError
from grader.ports.finished import FinishedJob

#: So many submissions are shown of a plan.
_SHOWN, _LISTED = 20, 1000
_COLUMNS = ("request", "user", "problem", "language", "result")
#: States in which the same command goes on.
_OPEN = ("grading", "graded")


@dataclass
class _Plan:
    """What is selected: counts, and the first submissions."""

    count: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    first: list[FinishedJob] = field(default_factory=list)

    def counting(self, jobs: Iterator[FinishedJob]) -> Iterator[FinishedJob]:
        """Pass jobs on, and count them."""
        for job in jobs:
            self.count += 1
            self.outcomes[job.outcome] += 1
            if len(self.first) < _LISTED:
                self.first.append(job)
            yield job


@command("start", epilog="Example: gradectl rejudge start -p sum --verdict WA --since 1d --apply")
@environment_option
@selection_options
@click.option(
    "--name",
    callback=checked_name,
    metavar="NAME",
    help="Name of the rejudging; default: date, time and a random part.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most so many requests at a time; default: half of the workers' consumers, 2 on SQS.",
)
@click.option(
    "--time-limit",
    type=click.IntRange(min=1),
    metavar="MS",
    help="CPU milliseconds per test case, for submissions without metadata.json; needs"
    " --memory-limit.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(min=1),
    metavar="MB",
    help="Megabytes, for submissions without metadata.json; needs --time-limit.",
)
@click.option("--apply", is_flag=True, help="Carry it out; without it, only show the plan.")
@pass_context(CloudContext)
def start(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    *,
    environment: str | None,
    selected: SelectedJobs,
    name: str | None,
    in_flight: int | None,
    time_limit: int | None,
    memory_limit: int | None,
    apply: bool,
) -> int:
    """
    Grade the selected submissions again.

    Without --apply it shows which. Their results stay as they are, and no result message is sent.
    An interrupted run goes on with the same command; it also grades again what failed because of
    the problem or the platform. Exit code 3 when some could not be graded again.
    """
    if (time_limit is None) != (memory_limit is None):
        raise UsageError(
            "only one of the limits is given",
            where="--time-limit, --memory-limit",
            next_step="give both",
        )
    limits = KnownLimits(time_limit, memory_limit) if time_limit and memory_limit else None
    target = select_environment(app, environment)
    run = _Run(target, selected, in_flight, limits)
    found = run.find(name)
    if not apply:
        return run.show_plan(found)
    app.announce(target.environment)
    if app.options.dry_run:
        app.ui.say("dry run: nothing was changed")
        return run.show_plan(found)
    return run.apply(found, name)


@dataclass(frozen=True)
class _Run:
    """One run of the command."""

    target: EnvironmentClient
    selected: SelectedJobs
    in_flight: int | None
    limits: KnownLimits | None

    @property
    def folder(self) -> Path:
        """Folder of the files of rejudgings."""
        return state_folder(self.target.app.project_root, self.target.name)

    def find(self, name: str | None) -> str | None:
        """
        Return the rejudging that this command started before; None for a new one.

        Raises:
            UsageError: The one of this name has other conditions, or has ended.
        """
        known = rejudging_names(self.folder)
        for each in reversed([name] if name else known):
            if each not in known:
                return None
            with open_state(self.folder, each) as state:
                same = state.header["given"] == self.selected.given
                if same and state.state in _OPEN:
                    return each
                if name:
                    text = f"it is {state.state}" if same else "it has other conditions"
                    raise UsageError(
                        f"there is a rejudging {name}, and {text}",
                        where="--name",
                        next_step=f"use another name; gradectl rejudge show {name} has its table",
                    )
        return None

    def show_plan(self, found: str | None) -> int:
        """Show what is selected."""
        app = self.target.app
        plan = _Plan()
        with ExitStack() as stack:
            for _ in plan.counting(self._jobs(stack, found)):
                pass
        if found:
            app.ui.say(f"rejudging {found} was started with these conditions")
        rows = [
            [job.request_id, job.user_id, job.problem_id, job.language, _result(job)]
            for job in plan.first[:_SHOWN]
        ]
        if rows:
            app.ui.say_table(Table(_COLUMNS, rows))
        if plan.count > _SHOWN:
            app.ui.say(f"and {plan.count - _SHOWN} more; --output json has the first {_LISTED}")
        self._emit(found, plan, None, f"{plan.count} submissions selected; nothing was changed")
        if plan.count and not app.options.dry_run:
            app.ui.say("to grade them again, repeat the command with --apply")
        return ExitCode.OK

    def apply(self, found: str | None, name: str | None) -> int:
        """Create the file of a new rejudging, and grade."""
        app, plan = self.target.app, _Plan()
        if found is None:
            now = datetime.now(UTC)
            found = name or f"{now:%Y%m%d-%H%M}-{secrets.token_hex(2)}"
            header = {
                "name": found,
                "environment": self.target.name,
                "given": self.selected.given,
                "started_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            }
            with ExitStack() as stack:
                create_state(self.folder, header, plan.counting(self._jobs(stack, None)))
        with open_state(self.folder, found, changing=True) as state:
            app.ui.say(f"rejudging {found}: {state.selected_count} submissions")
            if state.state == "graded":
                app.ui.say(
                    "it was graded before; to grade anew, use another --name",
                    "yellow",
                )
            progress = self._grade(state)
            outcome = f"{progress.graded} of {state.selected_count} graded again"
            for _ in plan.counting(iter(()) if plan.count else state.selected()):
                pass
            self._emit(found, plan, progress, outcome)
            held_back = list(state.held_back.items()) if progress.held_back else []
        for request_id, why in held_back[:_SHOWN]:
            app.ui.say(f"held back: {request_id}: {why}", "yellow")
        if progress.failed:
            app.ui.say(
                f"{progress.failed} failed because of the problem or the platform; repeat the"
                " command after the repair",
                "yellow",
            )
        app.ui.say(f"next: gradectl rejudge show -e {self.target.name} {found}")
        return ExitCode.OK if progress.is_complete else ExitCode.PARTLY_DONE

    def _jobs(self, stack: ExitStack, found: str | None) -> Iterator[FinishedJob]:
        """Read the selected jobs, from the file of a rejudging or from the database."""
        if found:
            return stack.enter_context(open_state(self.folder, found)).selected()
        jobs = stack.enter_context(finished_jobs_of(self.target))
        return select_jobs(jobs, self.selected.conditions, self.selected.request_ids)

    def _grade(self, state: StateFile) -> Progress:
        """Grade, with progress on the terminal and a report of an interruption."""
        ui, target = self.target.app.ui, self.target
        last, warned = Progress(), False
        with ExitStack() as stack:
            reader = stack.enter_context(target.broker("operator"))
            services = Services(
                bucket=target.bucket,
                objects=target.objects,
                jobs=stack.enter_context(finished_jobs_of(target)),
                inspector=reader.inspector,
                sender=stack.enter_context(target.broker("web")),
            )
            show = stack.enter_context(ui.live())

            def report(progress: Progress) -> None:
                nonlocal last, warned
                last = progress
                show([f"{progress.graded} of {state.selected_count} graded again"])
                if progress.consumers == 0 and not warned:
                    warned = True
                    ui.warn(f"no worker takes requests now, waiting; look at {target.look_at}")

            grading = Grading(
                services, state, limits=self.limits, in_flight=self.in_flight, report=report
            )
            try:
                return grading.run()
            except (EndingError, GraderError, KeyboardInterrupt):
                ui.say(
                    f"ended with {last.graded} of {state.selected_count} graded again; the same"
                    f" command goes on with rejudging {state.name}",
                    "yellow",
                )
                raise

    def _emit(self, name: str | None, plan: _Plan, progress: Progress | None, outcome: str) -> None:
        """Write what is selected, and what was done."""
        document: dict[str, Any] = {
            "environment": self.target.name,
            "name": name,
            "applied": progress is not None,
            "selected": plan.count,
            "results": [
                {"result": each, "count": count} for each, count in plan.outcomes.most_common()
            ],
            "first": [
                {
                    "request_id": job.request_id,
                    "user_id": job.user_id,
                    "problem_id": job.problem_id,
                    "language": job.language,
                    "result": job.outcome,
                    "score": job.score,
                }
                for job in islice(plan.first, _LISTED)
            ],
            "graded": progress.graded if progress else 0,
            "failed": progress.failed if progress else 0,
            "held_back": progress.held_back if progress else 0,
        }
        rows = [[each, count] for each, count in plan.outcomes.most_common()]
        where = f"rejudging {name} of" if name else "rejudge"
        table = Table(("result now", "submissions"), rows, f"{where} {self.target.name}: {outcome}")
        self.target.app.ui.emit("rejudge-start", document, table)


def _result(job: FinishedJob) -> str:
    return str(Outcome(job.outcome, job.score))
