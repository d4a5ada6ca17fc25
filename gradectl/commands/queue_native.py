"""What `gradectl queue redrive --native` and `purge --native` have Amazon SQS itself do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradectl.commands.queue_transfer import no_queue
from gradectl.errors import EndingError, ExitCode, UsageError
from gradectl.queues.broker import Broker, MoveTask, WholeQueues
from gradectl.rollouts.polling import pauses
from gradectl.target import EnvironmentClient
from gradectl.ui import Table
from grader.ports.messages import QueueStatistics


def redrive_natively(
    target: EnvironmentClient, queue: str, to: str, rate: float | None, *, apply: bool
) -> int:
    """
    Have the transport move all messages of a dead-letter queue, and show the progress.

    Args:
        target: The environment.
        queue: The dead-letter queue.
        to: The queue for all; empty for where each came from.
        rate: Messages a second; None for no limit.
        apply: Carry it out.

    Returns:
        The exit code: `PARTLY_DONE` unless all were moved.

    Raises:
        UsageError: The transport cannot move whole queues.
        GradectlError: A queue does not exist, or SQS refuses.
    """
    ui = target.app.ui
    with _whole(target, "redrive") as (broker, whole):
        counters = _counters(target, broker, queue)
        if to:
            _counters(target, broker, to)
        where = to or "the queue that each came from, as far as SQS knows it"
        ui.say(f"SQS moves all messages of {queue}, now {counters.waiting}, to {where}")
        ui.say(
            "they keep reasons and attempts, and failed results stay in the database: a worker"
            " answers such a request with its old failure; without --native it is graded again",
            "yellow",
        )
        if not _is_confirmed(target, queue, "redrive", apply=apply):
            return ExitCode.OK
        ui.confirm(f"Have SQS move all messages of {queue} to {where}?")
        whole.start_move(queue, to, None if rate is None else max(1, int(rate)))
        task = _follow(target, whole, queue)
    _emit(target, queue, "redrive", to, task)
    if task and task.failure:
        ui.warn(f"SQS moved {task.moved} and stopped: {task.failure}")
    return ExitCode.OK if task and task.status == "COMPLETED" else ExitCode.PARTLY_DONE


def cancel_redrive(target: EnvironmentClient, queue: str) -> int:
    """
    Cancel the move of a whole queue that the transport carries out.

    Returns:
        The exit code: `ERROR` if none is running.
    """
    with _whole(target, "redrive") as (_, whole):
        target.app.announce(target.environment)
        moved = None if target.app.options.dry_run else whole.cancel_move(queue)
        task = whole.latest_move(queue)
    _emit(target, queue, "redrive", "", task)
    if moved is None:
        target.app.ui.warn(f"no move of {queue} is running")
        return ExitCode.ERROR
    return ExitCode.OK


def purge_natively(target: EnvironmentClient, queue: str, confirm: str | None) -> int:
    """
    Have the transport delete all messages of a queue, without an export.

    Args:
        target: The environment.
        queue: The queue.
        confirm: Name of the queue, instead of typing it.

    Raises:
        UsageError: The transport cannot purge.
        RefusedError: Another name was typed.
        TryAgainError: It was purged less than a minute ago.
    """
    ui = target.app.ui
    with _whole(target, "purge") as (broker, whole):
        counters = _counters(target, broker, queue)
        if not _is_confirmed(target, queue, "purge", apply=True):
            return ExitCode.OK
        ui.confirm_name(
            f"All {counters.size} messages of {queue} are deleted and not exported, also those that"
            " workers have and those that arrive in the next minute.",
            queue,
            confirm,
        )
        whole.purge(queue)
    _emit(target, queue, "purge", "", MoveTask("PURGING", 0, counters.size))
    return ExitCode.OK


@contextmanager
def _whole(target: EnvironmentClient, verb: str) -> Iterator[tuple[Broker, WholeQueues]]:
    with target.broker() as broker:
        if broker.whole is None:
            raise UsageError(
                f"ActiveMQ has no {verb} of its own", where="--native", next_step="omit --native"
            )
        yield broker, broker.whole


def _counters(target: EnvironmentClient, broker: Broker, queue: str) -> QueueStatistics:
    counters = broker.inspector.statistics([queue]).get(queue)
    if counters is None:
        raise no_queue(target, queue)
    return counters


def _is_confirmed(target: EnvironmentClient, queue: str, verb: str, *, apply: bool) -> bool:
    """Announce a change; False if nothing may be changed, which is said."""
    app = target.app
    if apply:
        app.announce(target.environment)
    if apply and not app.options.dry_run:
        return True
    _emit(target, queue, verb, "", None)
    app.ui.say(
        "dry run: nothing was changed"
        if apply
        else "nothing was changed; to carry it out, repeat the command with --apply"
    )
    return False


def _follow(target: EnvironmentClient, whole: WholeQueues, queue: str) -> MoveTask | None:
    """Show the progress until the task ends; an interruption does not end it."""
    pause = pauses(float("inf"))
    try:
        with target.app.ui.live() as show:
            while (task := whole.latest_move(queue)) and task.is_running:
                total = "?" if task.to_move is None else task.to_move
                show([f"{task.moved} of about {total} moved by SQS"])
                pause()
    except (EndingError, KeyboardInterrupt):
        target.app.ui.say(
            f"SQS goes on; to stop it: gradectl queue redrive {queue} -e {target.name} --cancel",
            "yellow",
        )
        raise
    return task


def _emit(target: EnvironmentClient, queue: str, verb: str, to: str, task: MoveTask | None) -> None:
    """Write what SQS does or did."""
    document = {
        "environment": target.name,
        "queue": queue,
        "verb": verb,
        "to": to or None,
        "applied": task is not None,
        "status": task.status if task else None,
        "moved": task.moved if task else 0,
        "to_move": task.to_move if task else None,
        "failure": (task.failure or None) if task else None,
    }
    title = f"{verb} {queue} of {target.name} by SQS: nothing was changed"
    if task:
        counted = f", {task.moved} of about {task.to_move} moved" if verb == "redrive" else ""
        title = f"{verb} {queue} of {target.name} by SQS: {task.status.lower()}{counted}"
    target.app.ui.emit("queue-native", document, Table((), (), title))
