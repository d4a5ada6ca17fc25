"""`gradectl queue requeue`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, request_argument
from gradectl.commands.queue_options import to_option
from gradectl.commands.queue_transfer import JOURNALS
from gradectl.commands.request_lookup import look_everywhere, not_found
from gradectl.context import pass_context
from gradectl.errors import ExitCode, UnreachableError
from gradectl.job_table import jobs_of
from gradectl.options import command
from gradectl.queues.journal import Journal, open_journal
from gradectl.submissions.lookup import LookupResult, request_state
from gradectl.submissions.requeue import RequeuePlan, RequeueRules, carry_out
from gradectl.submissions.submitted import submitted_request
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.contract.names import QUEUES


@command("requeue", epilog="Example: gradectl queue requeue req_20240820120000_0f3c --apply")
@request_argument
@environment_option
@to_option("Request queue; default: where it came from.")
@click.option("--again", is_flag=True, help="Also grade a request that has a verdict.")
@click.option(
    "--force",
    is_flag=True,
    help="Also take it from a worker that has it: a second message is sent, and the result of the"
    " first is discarded; or put it back a fourth time.",
)
@click.option("--apply", is_flag=True, help="Carry it out; without it, only show the plan.")
@pass_context(CloudContext)
def requeue(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    request_id: str,
    *,
    environment: str | None,
    to: str | None,
    again: bool,
    force: bool,
    apply: bool,
) -> int:
    """
    Have REQUEST_ID graded again, wherever it is now.

    A dead letter is put back. A request that is in no queue, such as that of a worker that died, is
    made anew from the metadata.json of its submission, and the old claim is released. A failed
    result is deleted from the database first. A request that waits already, in a queue or for its
    next attempt, is left alone. Without --apply it shows what it would do; each change is recorded
    in a journal in .gradectl/queues/. Exit code 5 when a worker has the request, or when it has a
    verdict. An interrupted requeue goes on with the same command. Queues of Amazon SQS cannot be
    searched, so there a new message is sent, and a dead letter stays in its queue; a request
    without a result may wait already, and needs --force.
    """
    target = select_environment(app, environment)
    found = _look_up(target, request_id)
    with target.broker("operator") as broker:
        existing = broker.inspector.statistics(sorted({*QUEUES, *filter(None, [to])}))
    rules = RequeueRules(existing, to or "", force, again)
    was_taken = bool(found.row or found.result)
    read_request = partial(submitted_request, target.objects, request_id, was_taken=was_taken)
    plan = rules.plan(found, read_request, datetime.now(UTC))
    journal = _run(target, plan, apply=apply)
    title = f"requeue {request_id} of {target.name}: {_outcome(plan, journal)}"
    app.ui.emit("queue-requeue", _document(target, found, plan, journal), Table((), (), title))
    if journal:
        app.ui.say(f"journal: {journal.path}")
        app.ui.say(f"next: gradectl queue trace -e {target.name} {request_id}")
    return ExitCode.OK


def _look_up(target: EnvironmentClient, request_id: str) -> LookupResult:
    """
    Look into every place.

    Raises:
        UnreachableError: One cannot be reached, so it is unknown where the request is.
        GradectlError: The request is in none.
    """
    found = look_everywhere(target, request_id)
    if found.unreachable:
        text = f"it is unknown where request {request_id!r} is; nothing was changed"
        where = "\n".join(found.unreachable)
        raise UnreachableError(text, where=where, next_step=target.look_at)
    if not (found.is_known or found.partly_searched):
        raise not_found(target, [request_id])
    return found


def _run(target: EnvironmentClient, plan: RequeuePlan, *, apply: bool) -> Journal | None:
    """Show the plan, and carry it out with `apply`; returns the journal if it was."""
    app = target.app
    for number, step in enumerate(plan.steps, 1):
        app.ui.say(f"{number}. {step}")
    if not plan.steps:
        return None
    if not apply:
        app.ui.say("nothing was changed; to carry it out, repeat the command with --apply")
        return None
    app.announce(target.environment)
    if app.options.dry_run:
        app.ui.say("dry run: nothing was changed")
        return None
    app.ui.confirm(f"Grade {plan.request_id} again?")
    name = f"{target.name}-requeue"
    with (
        open_journal(app.project_root / JOURNALS, name) as journal,
        jobs_of(target) as jobs,
        target.broker() as broker,
    ):
        carry_out(plan, jobs, broker, journal)
    return journal


def _outcome(plan: RequeuePlan, journal: Journal | None) -> str:
    """What was done, in one line."""
    if not plan.steps:
        return f"nothing to do, it is in {plan.present}"
    count = len(plan.steps)
    return "done" if journal else f"{count} step{'' if count == 1 else 's'}; nothing was changed"


def _document(
    target: EnvironmentClient, found: LookupResult, plan: RequeuePlan, journal: Journal | None
) -> dict[str, Any]:
    """The plan for programs."""
    move = plan.transfer.moves[0] if plan.transfer else None
    queue = move.destination if move else plan.outgoing and plan.outgoing.queue
    return {
        "environment": target.name,
        "request_id": plan.request_id,
        "state": request_state(found),
        "row": plan.row,
        "message": "redrive" if move else ("send" if plan.outgoing else "none"),
        "from": plan.transfer.source if plan.transfer else None,
        "message_id": move.view.message_id if move else None,
        "to": queue,
        "steps": plan.steps,
        "applied": journal is not None,
        "journal": str(journal.path) if journal else None,
    }
