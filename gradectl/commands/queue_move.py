"""`gradectl queue move`, `delete` and `purge`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option, queue_argument
from gradectl.commands.queue_archive import require_new, write_export
from gradectl.commands.queue_native import purge_natively
from gradectl.commands.queue_options import (
    limit_option,
    rate_option,
    selection_options,
    to_option,
    transport_option,
)
from gradectl.commands.queue_transfer import Selected, TransferCommand, reading, select
from gradectl.context import pass_context
from gradectl.errors import UsageError
from gradectl.options import command
from gradectl.queues.mover import Transfer
from gradectl.queues.selection import Selection
from gradectl.queues.transfer import TransferPlan, plan_move
from gradectl.target import select_environment
from grader.contract.names import TransportName

_APPLY = click.option("--apply", is_flag=True, help="Carry it out; without it, only show the plan.")


@command("move", epilog="Example: gradectl queue move grading-requests --to held --apply")
@queue_argument
@environment_option
@transport_option
@selection_options
@limit_option
@to_option("Queue to put them into; it must exist.", required=True)
@rate_option
@_APPLY
@pass_context(CloudContext)
def move(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    selection: Selection,
    limit: int | None,
    to: str,
    rate: float | None,
    apply: bool,
) -> int:
    """
    Move messages of QUEUE to another queue.

    Without --apply it shows what would be moved. The copies keep their headers and the id and queue
    that they had first. Each message is in exactly one queue at any time.
    """
    if to == name:
        raise UsageError("QUEUE and --to are the same", where="--to", next_step="name another one")
    target = select_environment(app, environment, transport)
    with reading(target, name, limit, required=to) as (found, _):
        plan = plan_move(name, select(found, selection), found.now_ms, to)

        def confirm(plan: TransferPlan) -> None:
            app.ui.confirm(f"Move {len(plan.moves)} messages of {name} to {to}?")

        run = TransferCommand(target, "move", Transfer(rate=rate), confirm)
        return run.run(Selected(found, plan), apply=apply)


@command("delete", epilog="Example: gradectl queue delete grading-dlq --id ID:... --apply")
@queue_argument
@environment_option
@transport_option
@selection_options
@limit_option
@_APPLY
@pass_context(CloudContext)
def delete(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    selection: Selection,
    limit: int | None,
    apply: bool,
) -> int:
    """
    Delete selected messages of QUEUE.

    Without --apply it shows what would be deleted. At least one of --id, --where, --reason and
    --older-than is required; `gradectl queue purge` deletes all. The journal in .gradectl/queues/
    keeps each deleted message whole.
    """
    if selection.everything or selection == Selection(most=selection.most):
        text = "nothing selects the messages"
        hint = f"add --id, --where, --reason or --older-than, or: gradectl queue purge {name}"
        raise UsageError(text, where="gradectl queue delete", next_step=hint)
    target = select_environment(app, environment, transport)
    with reading(target, name, limit) as (found, _):
        plan = plan_move(name, select(found, selection), found.now_ms, "")

        def confirm(plan: TransferPlan) -> None:
            app.ui.confirm(f"Delete {len(plan.moves)} messages of {name}?")

        run = TransferCommand(target, "delete", Transfer(), confirm)
        return run.run(Selected(found, plan), apply=apply)


@command("purge", epilog="Example: gradectl queue purge grading-results --confirm grading-results")
@queue_argument
@environment_option
@transport_option
@limit_option
@click.option("--confirm", metavar="QUEUE", help="Name of the queue, instead of typing it.")
@click.option(
    "--export",
    "export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="New file for the messages; default: one in .gradectl/queues/.",
)
@click.option(
    "--native",
    is_flag=True,
    help="Have Amazon SQS delete all messages, without an export and without receiving them.",
)
@pass_context(CloudContext)
def purge(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    limit: int | None,
    confirm: str | None,
    export: Path | None,
    native: bool,
) -> int:
    """
    Export the messages of QUEUE to a file and delete them.

    The name of the queue must be typed. Messages that arrive meanwhile, and those that a consumer
    holds, stay. `gradectl queue import FILE` puts them back.

    With --native, Amazon SQS deletes everything: also what workers have, and what arrives within
    the next 60 seconds. It exports nothing, and SQS allows it once in 60 seconds (exit code 75).
    """
    target = select_environment(app, environment, transport)
    if native:
        if export or limit:
            text, hint = "SQS exports nothing, and deletes all", "omit --export and --limit"
            raise UsageError(text, where="--native", next_step=hint)
        return purge_natively(target, name, confirm)
    if export:
        require_new(export)
    with reading(target, name, limit) as (found, _):
        plan = plan_move(name, found.messages, found.now_ms, "")
        now = datetime.now(UTC)
        usual = app.project_root / ".gradectl" / "queues" / f"{now:%Y%m%dT%H%M%S%f}-{name}.export"

        def ask(plan: TransferPlan) -> None:
            question = f"All {len(plan.moves)} messages of {name} are deleted."
            app.ui.confirm_name(question, name, confirm)
            file = export or usual
            write_export(file, target, name, found.messages)
            app.ui.say(f"exported to {file}")

        run = TransferCommand(target, "purge", Transfer(), ask)
        return run.run(Selected(found, plan), apply=True)
