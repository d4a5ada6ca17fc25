"""A consumer whose broker, database or bucket fails, and its end."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from consumer_bench import Bench, FlakyJobStore, UntilEmpty, accept

from grader.contract.messages import GradingRequest, GradingResult, JobResult
from grader.contract.verdicts import ErrorCode
from grader.errors import AccessError, ConnectionLostError, RequestError, TemporaryError, TrustError
from grader.ports.jobs import JobRecord
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.testing import MemoryJobStore


@pytest.mark.parametrize("error", [TemporaryError("unreachable"), AccessError("refused")])
def test_database_calls_are_retried(bench: Bench, error: Exception) -> None:
    """After a refused login the parameters are read again."""
    bench.jobs = FlakyJobStore(error)
    bench.send()

    bench.run()

    assert bench.jobs.get("req_1").attempts == 1
    assert bench.refreshed == isinstance(error, AccessError)


def test_lost_connection_is_opened_again(bench: Bench) -> None:
    """The unsettled message is redelivered and answered once."""
    bench.send()
    lost = UntilEmpty(bench.queues, bench.stopping)
    sources = iter([lost, UntilEmpty(bench.queues, bench.stopping)])

    def lose_then_accept(request: GradingRequest) -> GradingResult:
        lost.lose()
        return accept(request)

    bench.handler = lose_then_accept
    bench.run(lambda: next(sources))

    assert len(bench.results()) == 1
    assert bench.jobs.get("req_1").status == "completed"


class LostAtSettle(UntilEmpty):
    """Loses the connection once, when a message is to be settled."""

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Lose it before anything is sent or acknowledged."""
        self.lose()
        super().settle(delivery, outgoing, on_confirmed)


def test_connection_lost_between_record_and_settle_sends_the_stored_result(bench: Bench) -> None:
    """The redelivered message finds its row finished; it is not graded again."""
    bench.send()
    seen: list[tuple[str, int]] = []
    sources = iter(
        [LostAtSettle(bench.queues, bench.stopping), UntilEmpty(bench.queues, bench.stopping)]
    )

    def open_source() -> JobSource:
        row = bench.jobs.get("req_1")
        if row is not None:
            seen.append((row.status, len(bench.results())))
        return next(sources)

    bench.run(open_source)

    assert seen == [("completed", 0)]
    (sent,) = bench.results()
    assert sent.to_json() == bench.jobs.get("req_1").result.to_json()
    assert bench.jobs.get("req_1").attempts == 1


def test_rejection_lost_between_record_and_settle_keeps_its_result(bench: Bench) -> None:
    """The stored failure is sent again, and the handler is not called again."""
    calls: list[str] = []

    def reject(request: GradingRequest) -> GradingResult:
        calls.append(request.request_id)
        raise RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language")

    bench.handler = reject
    bench.send()
    sources = iter(
        [LostAtSettle(bench.queues, bench.stopping), UntilEmpty(bench.queues, bench.stopping)]
    )

    bench.run(lambda: next(sources))

    assert calls == ["req_1"]
    assert [result.error.code for result in bench.results()] == ["UNKNOWN_LANGUAGE"]


class Noted(UntilEmpty):
    """Notes what is asked of it for a settlement."""

    def __init__(self, bench: Bench) -> None:
        """Nothing was asked."""
        super().__init__(bench.queues, bench.stopping)
        self.asked: list[str] = []

    def prepare(self, delivery: Delivery, outgoing: Sequence[Outgoing]) -> None:
        """Note it."""
        self.asked.append("prepare")
        super().prepare(delivery, outgoing)

    def withdraw(self) -> None:
        """Note it."""
        self.asked.append("withdraw")
        super().withdraw()

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Note it."""
        self.asked.append("settle")
        super().settle(delivery, outgoing, on_confirmed)


class UnreachableAtFinish(MemoryJobStore):
    """A table that cannot store the first result at once."""

    tries = 0

    def finish(self, result: JobResult, **options: Any) -> bool:
        """Fail twice."""
        self.tries += 1
        if self.tries <= 2:
            raise TemporaryError("unreachable")
        return super().finish(result, **options)


def test_a_settlement_is_prepared_while_the_row_is_written(bench: Bench) -> None:
    """It has no effect before the row is there."""
    source = Noted(bench)
    bench.send()

    class Noting(MemoryJobStore):
        def finish(self, result: JobResult, **options: Any) -> bool:
            source.asked.append("row")
            return super().finish(result, **options)

    bench.jobs = Noting()

    bench.run(lambda: source)

    assert source.asked == ["prepare", "row", "settle"]


def test_no_transaction_is_open_while_the_database_is_waited_for(bench: Bench) -> None:
    """For its time the broker could delete none of its journals, and its store would fill up."""
    bench.jobs = UnreachableAtFinish()
    source = Noted(bench)
    bench.send()

    bench.run(lambda: source)

    assert source.asked == ["prepare", "withdraw", "withdraw", "settle"]
    assert len(bench.results()) == 1


class Unconfirmed(UntilEmpty):
    """Refuses to confirm settlements, which are rolled back when it closes."""

    def __init__(self, bench: Bench) -> None:
        """Keep the row that the second request has when the connection ends."""
        super().__init__(bench.queues, bench.stopping)
        self._read = partial(bench.jobs.get, "req_2")
        self._sent = False
        self.row: JobRecord | None = None

    def settle(self, *_arguments: object) -> None:
        """Send it."""
        self._sent = True

    def confirm(self) -> None:
        """Refuse to."""
        if self._sent:
            raise ConnectionLostError("COMMIT FAILED")

    def close(self) -> None:
        """Roll back."""
        self.row = self._read()
        super().close()


def test_next_request_is_claimed_meanwhile_and_given_back_if_the_settlement_fails(
    bench: Bench, log_stream: io.StringIO
) -> None:
    """Before the broker can deliver it to another worker; so the attempt does not count."""
    graded: list[str] = []

    def note(request: GradingRequest) -> GradingResult:
        graded.append(request.request_id)
        return accept(request)

    bench.handler = note
    bench.send()
    bench.send(requestId="req_2")
    unconfirmed = Unconfirmed(bench)
    sources = iter([unconfirmed, UntilEmpty(bench.queues, bench.stopping)])
    known: list[str] = []  # to the end of the drain, which gives such claims back

    def on_claim(request_id: str, _attempt: int) -> bool:
        known.append(request_id)
        return True

    bench.on_claim = on_claim
    bench.run(lambda: next(sources))

    assert known == ["req_1", "req_2", "req_2"]
    assert unconfirmed.row.attempts == 0
    assert graded == ["req_1", "req_2"]
    assert [bench.jobs.get(each).attempts for each in ("req_1", "req_2")] == [1, 1]
    assert [each.request_id for each in bench.results()] == ["req_1", "req_2"]
    assert log_stream.getvalue().count("Result sent to queue") == 1


def test_a_stored_result_is_sent_before_the_next_request_is_claimed(bench: Bench) -> None:
    """A message that can never be settled costs the one behind it no further attempt."""
    bench.send()
    bench.run()
    bench.stopping.clear()
    bench.send()
    bench.send(requestId="req_2")
    unconfirmed = Unconfirmed(bench)
    sources = iter([unconfirmed])

    def open_source() -> JobSource:
        for source in sources:
            return source
        bench.stopping.set()
        raise ConnectionLostError("away")

    bench.run(open_source)

    assert unconfirmed.row is None
    assert [each.request_id for each in bench.results()] == ["req_1"]


def test_result_that_cannot_be_recorded_is_not_sent(bench: Bench) -> None:
    """The message stays for another worker."""

    class Unreachable(MemoryJobStore):
        def finish(self, _result: JobResult, **options: Any) -> bool:  # noqa: ARG002 - parameter of the port
            bench.stopping.set()
            raise TemporaryError("unreachable")

    bench.jobs = Unreachable()
    bench.send()

    bench.run()

    assert bench.results() == []
    assert len(bench.queues.waiting("requests")) == 1
    assert bench.jobs.get("req_1").status == "running"


def test_unreachable_broker_is_retried(bench: Bench) -> None:
    """Until it is reachable."""
    bench.send()
    tries = iter([ConnectionLostError("refused"), None])

    def open_source() -> JobSource:
        if (error := next(tries)) is not None:
            raise error
        return UntilEmpty(bench.queues, bench.stopping)

    bench.run(open_source)

    assert len(bench.results()) == 1


def test_login_that_worked_before_is_tried_again_after_a_refusal(bench: Bench) -> None:
    """While a password is changed, broker and parameter differ for a while."""
    bench.send()
    lost = LostAtSettle(bench.queues, bench.stopping)
    answers = iter([lost, AccessError("refused"), UntilEmpty(bench.queues, bench.stopping)])

    def open_source() -> JobSource:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench.run(open_source)

    assert len(bench.results()) == 1


def test_request_that_was_given_back_is_not_settled(bench: Bench, log_stream: io.StringIO) -> None:
    """Its message stays for another worker, whose attempt has the same number."""

    def leave_meanwhile(request: GradingRequest) -> GradingResult:
        bench.active.give_back()
        return accept(request)

    bench.handler = leave_meanwhile
    bench.send()

    bench.run()

    assert bench.results() == []
    assert len(bench.queues.waiting("requests")) == 1
    assert bench.jobs.get("req_1").result is None
    assert "given back" in log_stream.getvalue()


@pytest.mark.parametrize("error", [None, TemporaryError("away"), AccessError("refused")])
def test_request_claimed_too_late_is_left_to_another_worker(
    bench: Bench, log_stream: io.StringIO, error: Exception | None
) -> None:
    """Also when the database is away: the consumer stops as always."""

    class Table(MemoryJobStore):
        def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
            if error:
                raise error
            return super().give_back(worker_id, request_id, attempt)

    bench.jobs, bench.on_claim = Table(), lambda _request_id, _attempt: False
    bench.send()

    bench.run()

    assert len(bench.queues.waiting("requests")) == 1
    assert bench.jobs.get("req_1").attempts == (1 if error else 0)
    assert "stopped before the request was begun" in log_stream.getvalue()
    assert ("its attempt counts" in log_stream.getvalue()) == bool(error)
    assert "Cannot work with this broker" not in log_stream.getvalue()


def test_untrusted_broker_ends_the_consumer(bench: Bench) -> None:
    """Retrying would not fix it."""

    def open_source() -> JobSource:
        raise TrustError("not trusted")

    with pytest.raises(TrustError):
        bench.run(open_source)
    assert b"not trusted" in bench.retrier.health.report()[1]


def test_missing_right_ends_the_consumer_also_after_settled_messages(bench: Bench) -> None:
    """The connection is not opened again; the health page has the reason."""

    class Forbidding(UntilEmpty):
        def settle(self, delivery: Delivery, *args: Any) -> None:
            if b"req_2" in delivery.body:
                raise AccessError("user 'worker' may not write to queue://results")
            super().settle(delivery, *args)

    bench.send()
    bench.send(requestId="req_2")

    with pytest.raises(AccessError):
        bench.run(lambda: Forbidding(bench.queues, bench.stopping))

    assert [result.request_id for result in bench.results()] == ["req_1"]
    healthy, page = bench.retrier.health.report()
    assert not healthy
    assert b"may not write" in page


def test_stopping_takes_no_next_message(bench: Bench) -> None:
    """The running request finishes, and the next one stays in the queue."""

    def stop_meanwhile(request: GradingRequest) -> GradingResult:
        bench.stopping.set()
        return accept(request)

    bench.handler = stop_meanwhile
    bench.send()
    bench.send(requestId="req_2")

    bench.run()

    assert [result.request_id for result in bench.results()] == ["req_1"]
    assert len(bench.queues.waiting("requests")) == 1
