"""What `gradectl queue redrive`, `move`, `delete` and `purge` have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

from gradectl.context import AppContext
from gradectl.errors import EndingError, ExitCode, GradectlError
from gradectl.queues.broker import Broker
from gradectl.queues.inspection import Inspection, inspect
from gradectl.queues.journal import Journal, open_journal
from gradectl.queues.message_view import age
from gradectl.queues.mover import Progress, Transfer
from gradectl.queues.selection import Selection
from gradectl.queues.transfer import TransferPlan
from gradectl.target import EnvironmentClient
from gradectl.ui import Table
from grader.errors import GraderError

_COLUMNS = ("message", "age", "request", "about", "to")
#: So many messages are shown of a plan; the JSON document has all.
_SHOWN = 20
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
                ui.say(
                    f"interrupted: at least {last.taken} of {len(plan.moves)} messages were taken;"
                    " each message is in exactly one queue, and the same command goes on",
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


def read_queue(target: EnvironmentClient, broker: Broker, queue: str) -> Inspection:
    """
    Read all messages of a queue that exists.

    Raises:
        GradectlError: It does not exist; it is not created.
    """
    found = inspect(broker.inspector, queue)
    if found is None:
        raise GradectlError(
            f"queue {queue!r} not found",
            where=f"broker of {target.name}",
            next_step=f"gradectl queue list -e {target.name}",
        )
    return found


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
