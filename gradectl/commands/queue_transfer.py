"""What `gradectl queue redrive`, `move`, `delete` and `purge` have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gradectl.commands.queue_options import MOST_HELD
from gradectl.context import AppContext
from gradectl.errors import EndingError, ExitCode, GradectlError
from gradectl.queues.broker import Broker, Holder
from gradectl.queues.inspection import Inspection, held_queue, inspect
from gradectl.queues.journal import Journal, open_journal
from gradectl.queues.message_view import age
from gradectl.queues.mover import Progress, Transfer
from gradectl.queues.selection import Selection
from gradectl.queues.transfer import TransferPlan
from gradectl.target import EnvironmentClient
from gradectl.ui import Table
from grader.contract.names import QUEUES, TransportName
from grader.errors import GraderError

_COLUMNS = ("message", "age", "request", "about", "to")
#: So many messages are shown of a plan; the JSON document has all.
_SHOWN = 20
#: Returning more messages than this takes seconds, so it is said.
_MANY_HELD = 500
#: Folder of the journals, below the project.
JOURNALS = ".gradectl/queues"


@dataclass(frozen=True)
class Selected:
    """A queue that was read, and the plan for the messages selected from it."""

    found: Inspection
    plan: TransferPlan


@dataclass(frozen=True)
class TransferCommand:
    """
    One run of a command that takes messages from a queue.

    Args:
        target: The environment.
        verb: Name of the command.
        transfer: How the messages are taken.
        confirm: Asks before the first message is taken.
        opened: Context for the time of the transfer, such as the connection to the database.
    """

    target: EnvironmentClient
    verb: str
    transfer: Transfer
    confirm: Callable[[TransferPlan], None]
    opened: Callable[[], AbstractContextManager[Transfer]] | None = None

    def run(self, selected: Selected, *, apply: bool) -> int:
        """
        Show the plan, and carry it out with `apply`.

        Returns:
            The exit code: `PARTLY_DONE` when selected messages stay, or some were not seen.
        """
        app = self.target.app
        _show_plan(app, selected)
        if not (apply and selected.plan.moves):
            self._emit(selected, None, None)
            if selected.plan.moves:
                app.ui.say("nothing was changed; to carry it out, repeat the command with --apply")
            return _exit_code(selected, None)
        app.announce(self.target.environment)
        if app.options.dry_run:
            app.ui.say("dry run: nothing was changed")
            self._emit(selected, None, None)
            return _exit_code(selected, None)
        self.confirm(selected.plan)
        name = f"{self.target.name}-{self.verb}-{selected.plan.source}"
        with ExitStack() as stack:
            journal = stack.enter_context(open_journal(app.project_root / JOURNALS, name))
            broker = stack.enter_context(self.target.broker())
            transfer = stack.enter_context(self.opened()) if self.opened else self.transfer
            progress = self._carry_out(transfer, selected.plan, broker, journal)
        self._emit(selected, progress, journal)
        return _exit_code(selected, progress)

    def _carry_out(
        self, transfer: Transfer, plan: TransferPlan, broker: Broker, journal: Journal
    ) -> Progress:
        """Take the messages, with progress on the terminal and a report of an interruption."""
        ui, last = self.target.app.ui, Progress()
        with ui.live() as show:

            def report(progress: Progress) -> None:
                nonlocal last
                last = progress
                show([f"{progress.done} of {len(plan.moves)}"])

            try:
                return replace(transfer, report=report).run(plan, broker, journal)
            except (EndingError, GraderError, KeyboardInterrupt):
                where = "each message is in exactly one queue"
                if broker.holder:
                    where = "the last ten may be in both queues, and none is lost"
                ui.say(
                    f"interrupted: at least {last.taken} of {len(plan.moves)} messages were taken;"
                    f" {where}, and the same command goes on",
                    "yellow",
                )
                ui.say(f"journal: {journal.path}")
                raise

    def _emit(self, selected: Selected, progress: Progress | None, journal: Journal | None) -> None:
        """Write the plan and what became of it."""
        plan, scan = selected.plan, selected.found.scan
        done = progress or Progress()
        document = {
            "environment": self.target.name,
            "queue": plan.source,
            "seen": scan.seen,
            "size": scan.size,
            "complete": scan.complete,
            "reason": scan.reason,
            "applied": progress is not None,
            "planned": [
                {
                    "message_id": each.view.message_id,
                    "request_id": each.view.request_id,
                    "reason_code": each.view.reason_code,
                    "to": each.destination,
                }
                for each in plan.moves
            ],
            "held_back": [
                {
                    "message_id": each.view.message_id,
                    "request_id": each.view.request_id,
                    "why": each.why,
                }
                for each in plan.held_back
            ],
            "taken": done.taken,
            "gone": done.gone,
            "came_back": done.came_back,
            "stopped": done.stopped,
            "journal": str(journal.path) if journal else None,
        }
        title = f"{self.verb} {plan.source} of {self.target.name}: {_outcome(plan, progress)}"
        self.target.app.ui.emit(f"queue-{self.verb}", document, Table((), (), title))
        if progress and progress.stopped:
            self.target.app.ui.warn(
                f"stopped: {progress.stopped}; {len(plan.moves) - progress.done} were left"
            )
        if journal:
            self.target.app.ui.say(f"journal: {journal.path}")


@contextmanager
def reading(
    target: EnvironmentClient,
    queue: str,
    limit: int | None = None,
    also: Sequence[str] = (),
    required: str = "",
) -> Iterator[tuple[Inspection, Collection[str]]]:
    """
    Read the messages of a queue that exists.

    With Amazon SQS they are received, and held until the block ends: then those that were not
    moved return to the queue, whatever ended it.

    Args:
        target: The environment.
        queue: The queue.
        limit: Read about so many; None for all, and `MOST_HELD` with Amazon SQS.
        also: Other queues that the command names.
        required: Another queue, which has to exist before any message is read.

    Yields:
        The messages, and which of the standard queues and those of `also` exist.

    Raises:
        GradectlError: A queue does not exist; it is not created.
    """
    with ExitStack() as stack:
        with target.broker("operator") as broker:
            needed = [queue, *filter(None, [required])]
            existing = broker.inspector.statistics(sorted({*QUEUES, *needed, *also}))
            for name in needed:
                if name not in existing:
                    raise no_queue(target, name)
            if broker.holder:
                _say_costs(target, queue, broker.holder)
                hold = partial(held_queue, broker, broker.holder, queue, limit or MOST_HELD)
                found = _enter(target, stack, hold)
            else:
                found = inspect(broker.inspector, queue, enough=limit)
        if found is None:
            raise no_queue(target, queue)
        if len(found.messages) > _MANY_HELD and broker.holder:
            text = f"returning to {queue} what was not moved"
            stack.callback(target.app.ui.say, text)
        yield found, existing


def _enter(
    target: EnvironmentClient,
    stack: ExitStack,
    hold: Callable[[Callable[[int], object]], AbstractContextManager[Inspection | None]],
) -> Inspection | None:
    """Receive the messages of a queue, with progress on the terminal, until the stack ends."""
    with target.app.ui.live() as show:
        return stack.enter_context(hold(lambda count: show([f"{count} received"])))


def no_queue(target: EnvironmentClient, queue: str) -> GradectlError:
    """Return the error that a queue does not exist."""
    where = "Amazon SQS" if target.transport is TransportName.SQS else "broker"
    return GradectlError(
        f"queue {queue!r} not found",
        where=f"{where} of {target.name}",
        next_step=f"gradectl queue list -e {target.name}",
    )


def _say_costs(target: EnvironmentClient, queue: str, holder: Holder) -> None:
    """Say what reading does to the messages, before it does."""
    most = holder.most_receipts(queue)
    counted = f"; each receipt counts, and after {most} SQS makes it a dead letter" if most else ""
    target.app.ui.say(
        f"Amazon SQS shows a message only by receiving it: those of {queue} are hidden from other"
        f" consumers until this command ends{counted}"
    )


def select(found: Inspection, selection: Selection) -> list[Any]:
    """Pick the selected messages of a queue, the oldest first."""
    return selection.pick(found.messages, found.now_ms)


def _show_plan(app: AppContext, selected: Selected) -> None:
    """Print what goes where, and what stays."""
    plan = selected.plan
    rows = [
        [
            *(each.view.message_id, age(each.view.age_seconds), each.view.request_id),
            *(each.view.about, each.destination or "deleted"),
        ]
        for each in plan.moves[:_SHOWN]
    ]
    if rows:
        app.ui.say_table(Table(_COLUMNS, rows, f"{plan.source}: {selected.found.scan.summary}"))
    if len(plan.moves) > _SHOWN:
        app.ui.say(f"and {len(plan.moves) - _SHOWN} more; --output json has all")
    for queue, count in plan.destinations.items():
        app.ui.say(f"{count} to {queue}" if queue else f"{count} to be deleted")
    for held in plan.held_back[:_SHOWN]:
        app.ui.say(f"stays: {held.view.message_id}: {held.why}", "yellow")
    if len(plan.held_back) > _SHOWN:
        app.ui.say(f"and {len(plan.held_back) - _SHOWN} more stay", "yellow")


def _outcome(plan: TransferPlan, progress: Progress | None) -> str:
    """What was done, in one line."""
    if progress is None:
        return f"{len(plan.moves)} selected, {len(plan.held_back)} held back; nothing was changed"
    parts = [f"{progress.taken} of {len(plan.moves)} done"]
    parts += [f"{progress.gone} were gone"] if progress.gone else []
    parts += [f"{len(plan.held_back)} held back"] if plan.held_back else []
    return ", ".join(parts)


def _exit_code(selected: Selected, progress: Progress | None) -> int:
    """Say whether everything selected was done, as far as it was carried out."""
    partly = not selected.found.scan.complete
    if progress is not None:
        partly = partly or bool(progress.gone or progress.stopped or selected.plan.held_back)
    return ExitCode.PARTLY_DONE if partly else ExitCode.OK
