"""`gradectl rejudge accept` and `discard`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.rejudge_options import name_argument
from gradectl.context import pass_context
from gradectl.errors import EndingError, ExitCode, GradectlError, RefusedError
from gradectl.job_table import finished_jobs_of
from gradectl.options import command
from gradectl.rejudging.comparison import WAITING
from gradectl.rejudging.queued import remove_queued
from gradectl.rejudging.results import Acceptance, compare, remove_results
from gradectl.rejudging.state_file import (
    StateFile,
    open_state,
    rejudging_names,
    state_folder,
)
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.messages import JobResult
from grader.contract.names import RESULTS_QUEUE
from grader.contract.rejudging import rejudging_user
from grader.errors import GraderError


@command("accept", epilog="Example: gradectl rejudge accept sum-again --announce")
@name_argument
@environment_option
@click.option(
    "--announce",
    is_flag=True,
    help=f"Also send each result whose verdict or score changed to {RESULTS_QUEUE}.",
)
@click.option("--confirm", metavar="NAME", help="The name again, instead of typing it.")
@pass_context(CloudContext)
def accept(
    app: CloudContext, name: str, *, environment: str | None, announce: bool, confirm: str | None
) -> int:
    """
    Replace the old results by those of the rejudging NAME.

    Each old result is kept as results/ID/before-NAME.json. A result that changed since the
    rejudging began, and one whose second grading failed, stay as they are. The name must be typed.
    An interrupted run goes on with the same command. Exit code 3 when some results stay.
    """
    target = select_environment(app, environment)
    folder = state_folder(app.project_root, target.name)
    with open_state(folder, name, changing=True) as state, ExitStack() as stack:
        jobs = stack.enter_context(finished_jobs_of(target))
        _check_acceptable(target, state)
        comparison = compare(jobs, state)
        if state.state != "accepting" and comparison.count(WAITING):
            raise RefusedError(
                f"{comparison.count(WAITING)} of {comparison.total} are not graded again yet",
                where=f"rejudging {name}",
                next_step="repeat the gradectl rejudge start command, it goes on",
            )
        app.announce(target.environment)
        summary = f"{comparison.graded} results are replaced, {len(comparison.changes)} change"
        if app.options.dry_run:
            app.ui.say(f"dry run: {summary}; nothing was changed")
            return _emit_accepted(target, state, applied=False)
        app.ui.confirm_name(f"{summary} in {target.name}.", name, confirm)
        broker = stack.enter_context(target.broker())  # only the admin may send results

        def send(result: JobResult) -> None:
            headers = {"correlation-id": result.request_id, "content-type": "application/json"}
            broker.send(RESULTS_QUEUE, result.to_json(), headers)

        acceptance = Acceptance(jobs, target.objects, target.bucket, send if announce else None)
        remove_queued(broker, name)
        try:
            acceptance.run(state)
        except (EndingError, GraderError, KeyboardInterrupt):
            app.ui.say(
                f"ended with {len(state.accepted)} results replaced; the same command goes on",
                "yellow",
            )
            raise
        return _emit_accepted(target, state, applied=True)


@command("discard", epilog="Example: gradectl rejudge discard sum-again --yes")
@name_argument
@environment_option
@pass_context(CloudContext)
def discard(app: CloudContext, name: str, *, environment: str | None) -> int:
    """
    Delete the results of the rejudging NAME; the old ones stay as they are.

    It also removes its waiting requests from the queue. It needs no file of the rejudging, so that
    it can remove those of another machine. An interrupted run goes on with the same command.
    """
    target = select_environment(app, environment)
    folder = state_folder(app.project_root, target.name)
    with ExitStack() as stack:
        jobs = stack.enter_context(finished_jobs_of(target))
        state = None
        if name in rejudging_names(folder):
            state = stack.enter_context(open_state(folder, name, changing=True))
            _check_discardable(target, state)
        elif rejudging_user(name) not in jobs.users(rejudging_user(name)):
            raise GradectlError(
                f"rejudging {name!r} not found",
                where=f"database of {target.name} and {folder}",
                next_step=f"gradectl rejudge list -e {target.name}",
            )
        app.announce(target.environment)
        document = {"environment": target.name, "name": name}
        if app.options.dry_run:
            app.ui.say("dry run: nothing was changed")
            table = Table((), (), f"rejudging {name} of {target.name} would be discarded")
            app.ui.emit("rejudge-discard", {**document, "applied": False, "removed": 0}, table)
            return ExitCode.OK
        app.ui.confirm(f"Delete the results of rejudging {name} in {target.name}?")
        remove_queued(stack.enter_context(target.broker()), name)
        removed = remove_results(jobs, target.objects, name)
        if state is not None:
            state.set_state("discarded")
        title = f"rejudging {name} of {target.name} discarded: {removed} new results deleted"
        emitted = {**document, "applied": True, "removed": removed}
        app.ui.emit("rejudge-discard", emitted, Table((), (), title))
    return ExitCode.OK


def _check_acceptable(target: EnvironmentClient, state: StateFile) -> None:
    """Refuse what has ended; raises `RefusedError`."""
    if state.state in ("accepted", "discarded"):
        raise RefusedError(
            f"rejudging {state.name} is {state.state} already",
            where=str(state.path),
            next_step=f"gradectl rejudge list -e {target.name}",
        )


def _check_discardable(target: EnvironmentClient, state: StateFile) -> None:
    """Refuse to stop halfway; raises `RefusedError`."""
    if state.state in ("accepting", "accepted"):
        next_step = f"gradectl rejudge accept -e {target.name} {state.name} goes on"
        if state.state == "accepted":
            next_step = (
                f"gradectl rejudge show -e {target.name} {state.name}; the old results are in"
                f" results/ID/before-{state.name}.json"
            )
        raise RefusedError(
            f"rejudging {state.name} is {state.state}: {len(state.accepted)} results are replaced",
            where=str(state.path),
            next_step=next_step,
        )


def _emit_accepted(target: EnvironmentClient, state: StateFile, *, applied: bool) -> int:
    """Write what was replaced, and what stays."""
    document = {
        "environment": target.name,
        "name": state.name,
        "applied": applied,
        "accepted": len(state.accepted),
        "kept": [{"request_id": each, "why": why} for each, why in state.kept.items()],
    }
    title = f"rejudging {state.name} of {target.name}: {len(state.accepted)} results replaced"
    if state.kept:
        title += f", {len(state.kept)} stay"
    target.app.ui.emit(
        "rejudge-accept", document, Table(("stays", "why"), list(state.kept.items()), title)
    )
    return ExitCode.PARTLY_DONE if state.kept else ExitCode.OK
