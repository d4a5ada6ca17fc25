"""Checks that an invalid message becomes a dead letter with its reason, and removes that one."""

from __future__ import annotations

import json

from gradectl.errors import CheckFailedError
from gradectl.queues.broker import Watch
from gradectl.queues.inspection import Extent, read_queue
from gradectl.queues.message_view import MessageView
from gradectl.smoke.check import Check
from gradectl.smoke.environment import SmokeJob
from gradectl.smoke.report import NOT_OBSERVABLE, PASSED, POISON
from gradectl.smoke.sampling import MOST_HELD, POLL_SECONDS, sampled, take_or_pause, watching
from grader.client.results import stored_result
from grader.contract.messages import GradingResult
from grader.contract.names import DEAD_LETTER_QUEUE, REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode
from grader.ports.messages import QueuedMessage

#: The dead letter follows the stored result, in one transaction with the result message.
_MESSAGE_SECONDS = 5.0
#: Message times of concurrent producers are not exactly in their order.
_OVERLAP_MS = 1_000
_MARK_HEADER = "x-gradectl-smoke"


class PoisonCheck(Check):
    """Sends one message that no worker accepts."""

    name = POISON
    _unread = ""  # why the dead letters could not all be read

    def _observe(self, deadline: float) -> tuple[str, str]:
        before = self._environment.broker.inspector.statistics([DEAD_LETTER_QUEUE]).get(
            DEAD_LETTER_QUEUE
        )
        if before is None:
            raise CheckFailedError(f"there is no queue {DEAD_LETTER_QUEUE}")
        job = self._make_job(REQUESTS_QUEUE, "poison")
        with watching(self._environment.broker, job) as watch:
            self._send(job)
            self._await_refusal(watch, job, deadline)
            if watch is None:
                return self._sampled(job)
            since_ms = before.taken_at_ms - _OVERLAP_MS
            letter = self._dead_letter(watch, job, since_ms)
        if letter is None:
            after = self._environment.broker.inspector.statistics([DEAD_LETTER_QUEUE]).get(
                DEAD_LETTER_QUEUE
            )
            if after and after.dequeued > before.dequeued:
                text = f"another consumer of {DEAD_LETTER_QUEUE} took it; its result says so"
                return NOT_OBSERVABLE, text
            if self._unread:
                return NOT_OBSERVABLE, f"{DEAD_LETTER_QUEUE}: {self._unread}; its result says so"
            raise CheckFailedError(f"it was refused, but is not in {DEAD_LETTER_QUEUE}")
        self._remove(letter, job)
        return PASSED, _verified(letter)

    def _sampled(self, job: SmokeJob) -> tuple[str, str]:
        """Look for the dead letter in a queue that cannot be searched, and remove it."""
        broker = self._environment.broker
        deadline = self._clock() + _MESSAGE_SECONDS
        while True:
            with sampled(broker, DEAD_LETTER_QUEUE) as some:
                own = [each for each in some if _is_of(each, job)]
                if own:
                    self._remove(own[0], job)
                    return PASSED, _verified(own[0])
            if len(some) >= MOST_HELD:
                text = f"its dead letter is not among {len(some)} of {DEAD_LETTER_QUEUE}"
                return NOT_OBSERVABLE, f"{text}, which cannot be searched; its result says so"
            if self._clock() > deadline:
                raise CheckFailedError(
                    f"it was refused, but is not in {DEAD_LETTER_QUEUE}, unless another consumer"
                    " took it: Amazon SQS does not tell"
                )

    def _send(self, job: SmokeJob) -> None:
        """Send a message with an id and without everything else; it is marked for people."""
        note = "sent by gradectl smoke, invalid on purpose"
        body = json.dumps({"requestId": job.request_id, "note": note}).encode()
        job.sent = True
        headers = {"correlation-id": job.request_id, _MARK_HEADER: job.problem_id}
        self._environment.broker.send(REQUESTS_QUEUE, body, headers)

    def _await_refusal(self, watch: Watch | None, job: SmokeJob, deadline: float) -> None:
        """Wait for the failed result."""
        while self._clock() < deadline:
            body = take_or_pause(watch)
            job.received = body is not None
            result: GradingResult | None
            if body:
                result = GradingResult.from_json(body)
            else:
                result = stored_result(self._environment.store, job.request_id)
            if result is not None:
                job.finished = True
                code = result.error.code if result.error else result.status
                if code != ErrorCode.INVALID_REQUEST:
                    text = f"its result says {code} instead of {ErrorCode.INVALID_REQUEST}"
                    raise CheckFailedError(text)
                return
        job.out_of_time = True
        raise CheckFailedError("it got no result in time")

    def _dead_letter(self, watch: Watch, job: SmokeJob, since_ms: int) -> QueuedMessage | None:
        """Look for the dead letter until it must be there."""
        deadline = self._clock() + _MESSAGE_SECONDS
        while True:
            found = self._look(job, since_ms)
            if found is not None or self._clock() > deadline:
                return found
            job.received = watch.take(POLL_SECONDS) is not None or job.received

    def _look(self, job: SmokeJob, since_ms: int) -> QueuedMessage | None:
        """Read the new dead letters until that of the job is found."""
        inspector = self._environment.broker.inspector
        counters = inspector.statistics([DEAD_LETTER_QUEUE])[DEAD_LETTER_QUEUE]
        found: list[QueuedMessage] = []

        def visit(message: QueuedMessage) -> bool:
            if _is_of(message, job):
                found.append(message)
            return bool(found)

        extent = Extent(selector=f"JMSTimestamp >= {since_ms}")
        scan = read_queue(inspector, counters, visit, extent)
        self._unread = "" if scan.complete else scan.summary
        return found[0] if found else None

    def _remove(self, letter: QueuedMessage, job: SmokeJob) -> None:
        """Remove the dead letter by its id; where that fails, the clean-up tries again."""
        with self._environment.broker.mover() as mover:
            gone = mover.replace(DEAD_LETTER_QUEUE, [letter.message_id], lambda _: ())
        job.buried = not gone


def _is_of(message: QueuedMessage, job: SmokeJob) -> bool:
    return message.headers.get("correlation-id") == job.request_id


def _verified(letter: QueuedMessage) -> str:
    """
    Verify reason and origin of a dead letter, and describe it.

    Raises:
        CheckFailedError: They are not those of the message that was sent.
    """
    view = MessageView.of(letter, 0)
    if view.reason_code != ErrorCode.INVALID_REQUEST:
        text = f"the dead letter has the reason code {view.reason_code!r}"
        raise CheckFailedError(f"{text} instead of {ErrorCode.INVALID_REQUEST}")
    if view.original_queue != REQUESTS_QUEUE:
        raise CheckFailedError(f"the dead letter names {view.original_queue!r} as its origin")
    return f"in {DEAD_LETTER_QUEUE} from {view.original_queue}, {view.about}"
