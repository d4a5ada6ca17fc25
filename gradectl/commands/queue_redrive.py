"""`gradectl queue redrive`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.queue_native import cancel_redrive, redrive_natively
from gradectl.commands.queue_options import (
    dead_letters_argument,
    limit_option,
    rate_option,
    selection_options,
    to_option,
    transport_option,
)
from gradectl.commands.queue_transfer import Selected, TransferCommand, reading, select
from gradectl.context import pass_context
from gradectl.errors import UsageError
from gradectl.job_table import jobs_of
from gradectl.options import command
from gradectl.queues.mover import Transfer
from gradectl.queues.selection import Selection
from gradectl.queues.transfer import Move, RedriveRules, TransferPlan, redriven
from gradectl.target import EnvironmentClient, select_environment
from grader.contract.names import TransportName


@command("redrive", epilog="Example: gradectl queue redrive --reason INTERNAL_ERROR --apply")
@dead_letters_argument
@environment_option
@transport_option
@selection_options
@limit_option
@to_option("Queue for all; default: where each came from.")
@rate_option
@click.option("--force", is_flag=True, help="Also put back what came back three times before.")
@click.option(
    "--native",
    is_flag=True,
    help="Have Amazon SQS move all messages as they are; see above for when that is right.",
)
@click.option("--cancel", is_flag=True, help="Stop a move that --native has started.")
@click.option("--apply", is_flag=True, help="Carry it out; without it, only show the plan.")
@pass_context(CloudContext)
def redrive(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    environment: str | None,
    transport: TransportName | None,
    selection: Selection,
    limit: int | None,
    to: str | None,
    rate: float | None,
    force: bool,
    native: bool,
    cancel: bool,
    apply: bool,
) -> int:
    """
    Put dead letters back into their queues, to be graded again.

    Each goes where it came from. Without --apply it shows what would go where. A failed result in
    the database is deleted first, so that the request is graded and not answered with the old
    failure; its user gets a second result. Each message is in exactly one queue at any time, and
    each one taken is recorded in a journal in .gradectl/queues/. It stops when messages come
    straight back. An interrupted redrive goes on with the same command. Exit code 3 when some of
    the selected messages stay.

    With --native, Amazon SQS moves the whole queue itself (a message move task), which needs no
    receipt and goes on when this command ends. It is right for messages that SQS itself put there,
    or after the database was lost: messages keep their reasons and attempts, and a request whose
    failed result is in the database is answered with it. Without --to, each goes where SQS had
    taken it from; the dead letters of workers have no such place, so SQS stops at them.
    """
    target = select_environment(app, environment, transport)
    if native or cancel:
        _check_native(selection, limit, force=force)
        if cancel:
            return cancel_redrive(target, name)
        return redrive_natively(target, name, to or "", rate, apply=apply)
    with reading(target, name, limit, [to or name]) as (found, existing):
        rules = RedriveRules(existing, to or "", force)
        plan = rules.plan(name, select(found, selection), found.now_ms)
        transfer = Transfer(redriven, rate=rate, watch_returns=True)
        run = TransferCommand(
            target, "redrive", transfer, lambda plan: _confirm(target, plan),
            lambda: _reopening(target, transfer),
        )  # fmt: skip
        return run.run(Selected(found, plan), apply=apply)


def _check_native(selection: Selection, limit: int | None, *, force: bool) -> None:
    """Refuse options that choose messages."""
    if not selection.everything or limit or force:
        raise UsageError(
            "SQS moves whole queues; it cannot choose messages",
            where="--native",
            next_step="omit --native, or the options that choose messages",
        )


def _confirm(target: EnvironmentClient, plan: TransferPlan) -> None:
    """Ask, because workers begin at once."""
    target.app.ui.confirm(f"Put {len(plan.moves)} messages of {plan.source} back?")


@contextmanager
def _reopening(target: EnvironmentClient, transfer: Transfer) -> Iterator[Transfer]:
    """Yield the transfer with a connection to the database, to delete failed results."""
    with jobs_of(target) as jobs:

        def prepare(moves: Sequence[Move]) -> None:
            for move in moves:
                if move.view.request_id:
                    jobs.reopen(move.view.request_id)

        yield replace(transfer, prepare=prepare)
