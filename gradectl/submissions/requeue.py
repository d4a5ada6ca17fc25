"""Plans how a request is graded again, wherever it is now, and carries that out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gradectl.errors import GradectlError, RefusedError, TryAgainError
from gradectl.queues.broker import Broker
from gradectl.queues.journal import Journal
from gradectl.queues.message_view import age
from gradectl.queues.mover import Transfer
from gradectl.queues.transfer import RedriveRules, TransferPlan, redriven
from gradectl.submissions.lookup import LocatedMessage, LookupResult, claim_text, not_searched
from grader.contract.bucket import metadata_key
from grader.contract.messages import GradingRequest
from grader.contract.names import (
    ATTEMPT_HEADER,
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
    RESULTS_QUEUE,
)
from grader.contract.verdicts import Status
from grader.errors import ObjectTooLargeError, RequestError
from grader.ports.jobs import JobRecord, JobStore
from grader.ports.messages import Outgoing, QueuedMessage


class RowStep(StrEnum):
    """What happens to the row of the database."""

    KEEP = "keep"
    RELEASE = "release"  # a claim; its attempt stays counted
    REOPEN = "reopen"  # a failed row is deleted
    DELETE = "delete"  # a row with a verdict


_ROW_TEXTS = {
    RowStep.RELEASE: "release the claim of attempt {attempt}; the next one is attempt {next}",
    RowStep.REOPEN: "delete the failed row, so that it is not answered with the old failure",
    RowStep.DELETE: "delete the row with the verdict; result.json stays until it is replaced",
}


@dataclass(frozen=True)
class RequeuePlan:
    """
    The steps after which a request is graded again: first the row, then the message.

    Attributes:
        request_id: The request.
        row: What happens to its row.
        record: The row, if there is one.
        transfer: Puts a dead letter back; None where there is none.
        outgoing: A new message; None where one exists.
        present: Where a message of the request waits already; empty for nowhere.
        force: Release a claim also before it ends.
    """

    request_id: str
    row: RowStep = RowStep.KEEP
    record: JobRecord | None = None
    transfer: TransferPlan | None = None
    outgoing: Outgoing | None = None
    present: str = ""
    force: bool = False

    @property
    def steps(self) -> list[str]:
        """The steps in words; empty if there is nothing to do."""
        steps = []
        if self.record and self.row is not RowStep.KEEP:
            attempt = self.record.attempts
            steps.append(_ROW_TEXTS[self.row].format(attempt=attempt, next=attempt + 1))
        if self.transfer:
            (move,) = self.transfer.moves
            steps.append(f"put the dead letter of {self.transfer.source} back: {move.destination}")
        if self.outgoing:
            steps.append(f"send the request of metadata.json: {self.outgoing.queue}")
        return steps

    @property
    def settled(self) -> dict[str, str]:
        """The header that ends the count of crashes in a row at a released claim."""
        if self.record is None or self.row is not RowStep.RELEASE:
            return {}
        return {ATTEMPT_HEADER: str(self.record.attempts)}

    def copy(self, message: QueuedMessage, source: str, queue: str) -> Outgoing:
        """Return the copy of a dead letter that is put back."""
        copied = redriven(message, source, queue)
        return replace(copied, headers={**copied.headers, **self.settled})


@dataclass(frozen=True)
class RequeueRules:
    """
    What is allowed.

    Args:
        existing: The queues of the broker.
        to: The request queue; by default the one that the request came from.
        force: Also take the request from a worker whose claim holds, put a dead letter back that
            came back three times, and send although not all messages could be read.
        again: Also grade a request that has a verdict.
    """

    existing: Collection[str]
    to: str = ""
    force: bool = False
    again: bool = False

    def plan(
        self,
        found: LookupResult,
        read_request: Callable[[], GradingRequest | None],
        now: datetime,
    ) -> RequeuePlan:
        """
        Plan the steps.

        Args:
            found: Where the request is; every place was reached.
            read_request: Reads the request of its submission, if metadata.json exists; only called
                where a message is made from it.
            now: The present time, UTC.

        Raises:
            RefusedError: A worker has it, it has a verdict, or a message may exist unseen.
            GradectlError: There is no message, and no valid metadata.json to make one from.
        """
        waiting = [each for each in found.messages if each.queue not in _NOT_REQUESTS]
        if _is_held(found.row, now):  # a message in a queue may be the one that its worker has
            waiting = [each for each in waiting if each.due_seconds is not None]
        present = waiting[0].queue if waiting else ""
        step = self._row_step(found, now, is_waiting=bool(waiting))
        plan = RequeuePlan(found.request_id, step, found.row, present=present, force=self.force)
        if waiting:
            return plan
        dead = [each for each in found.messages if each.queue == DEAD_LETTER_QUEUE]
        if dead:
            return self._redrive(plan, dead, now)
        return self._send(plan, found, read_request)

    def _row_step(self, found: LookupResult, now: datetime, *, is_waiting: bool) -> RowStep:
        row = found.row
        result = row.result if row else found.result
        if result and result.status is Status.COMPLETED and not (is_waiting and not row):
            if not self.again:
                raise _refused("it has a verdict", found, _INSTEAD)
            return RowStep.DELETE if row else RowStep.KEEP
        if row is None or (is_waiting and row.result is None):
            return RowStep.KEEP
        if row.result is not None:
            return RowStep.REOPEN
        if _is_held(row, now) and not self.force:
            raise _refused(_holder(row, now), found, "wait for its result, or add --force")
        return RowStep.RELEASE

    def _redrive(
        self, plan: RequeuePlan, dead: Sequence[LocatedMessage], now: datetime
    ) -> RequeuePlan:
        """Put the newest dead letter back, exactly as `gradectl queue redrive` does."""
        newest = max((each.message for each in dead), key=lambda each: each.timestamp_ms)
        rules = RedriveRules(self.existing, self.to, self.force)
        transfer = rules.plan(DEAD_LETTER_QUEUE, [newest], int(now.timestamp() * 1000))
        for held in transfer.held_back:
            text = f"request {plan.request_id!r} cannot be put back"
            raise RefusedError(text, where=DEAD_LETTER_QUEUE, next_step=held.why)
        return replace(plan, transfer=transfer)

    def _send(
        self,
        plan: RequeuePlan,
        found: LookupResult,
        read_request: Callable[[], GradingRequest | None],
    ) -> RequeuePlan:
        """Make the message anew."""
        if found.partly_searched and not (self.force or _is_settled(found)):
            text = f"not all messages were read: {'; '.join(not_searched(found.partly_searched))}"
            raise _refused(text, found, "add --force; a second message is not graded twice")
        try:
            request = read_request()
        except (RequestError, ObjectTooLargeError) as error:
            raise _cannot_be_made(found, error.what) from error
        if request is None:
            raise _cannot_be_made(found, "does not exist")
        came_from = plan.record.queue if plan.record else ""
        queue = self.to or (came_from if came_from in _REQUEST_QUEUES else REQUESTS_QUEUE)
        if queue not in self.existing:
            text = f"queue {queue!r} does not exist"
            raise GradectlError(text, where="--to", next_step="gradectl queue list")
        headers = {"correlation-id": found.request_id, "content-type": "application/json"}
        outgoing = Outgoing(queue, request.to_json(), {**headers, **plan.settled})
        return replace(plan, outgoing=outgoing)


_REQUEST_QUEUES = (REQUESTS_QUEUE, PRIORITY_QUEUE)
_NOT_REQUESTS = (RESULTS_QUEUE, DEAD_LETTER_QUEUE)
_INSTEAD = "gradectl result shows it; --again deletes the verdict and grades it once more"


def _refused(why: str, found: LookupResult, next_step: str) -> RefusedError:
    text = f"request {found.request_id!r} is not sent again: {why}"
    return RefusedError(text, where="nothing was changed", next_step=next_step)


def _is_settled(found: LookupResult) -> bool:
    """
    Whether a request on SQS has a result, so that no message of it waits.

    Only its dead letter may exist, which is answered from the new row if it is ever put back.
    """
    has_result = bool(found.result or (found.row and found.row.result))
    return has_result and all(each.cannot_be_searched for each in found.partly_searched)


def _cannot_be_made(found: LookupResult, why: str) -> GradectlError:
    return GradectlError(
        f"request {found.request_id!r} cannot be made anew: {why}",
        where=metadata_key(found.request_id),
        next_step="gradectl queue send grading-requests --file FILE",
    )


def _is_held(row: JobRecord | None, now: datetime) -> bool:
    """Whether a worker has the request, or died so recently that its claim still holds."""
    return bool(row and row.worker_id and row.held_until and row.held_until >= now)


def _holder(row: JobRecord, now: datetime) -> str:
    """Say who has a request, and for how long."""
    left = f", for another {age((row.held_until - now).total_seconds())}" if row.held_until else ""
    return (
        f"worker {row.worker_id} has attempt {row.attempts}{claim_text(row, now)}; the claim"
        f" holds{left} and longer if the worker renews it"
    )


def carry_out(plan: RequeuePlan, jobs: JobStore, broker: Broker, journal: Journal) -> None:
    """
    Carry a plan out; after an interruption the same command goes on.

    Raises:
        TryAgainError: Row or message are not as planned any more.
    """
    if plan.record and plan.row is not RowStep.KEEP:
        journal.changing_row(plan.record, plan.row)
        journal.flush()
        if not _change_row(plan, plan.record, jobs):
            raise _changed(plan, "its row")
    if plan.transfer:
        progress = Transfer(plan.copy).run(plan.transfer, broker, journal)
        if progress.gone:
            raise _changed(plan, "its dead letter")
    if plan.outgoing:
        journal.sending(plan.outgoing)
        journal.flush()
        broker.send(plan.outgoing.queue, plan.outgoing.body, plan.outgoing.headers)


def _change_row(plan: RequeuePlan, record: JobRecord, jobs: JobStore) -> bool:
    if plan.row is RowStep.RELEASE:
        return jobs.release(plan.request_id, record.attempts, force=plan.force)
    if plan.row is RowStep.REOPEN:
        return jobs.reopen(plan.request_id)
    jobs.delete(plan.request_id)
    return True


def _changed(plan: RequeuePlan, what: str) -> TryAgainError:
    return TryAgainError(
        f"{what} has changed meanwhile", where=plan.request_id, next_step="run the command again"
    )
