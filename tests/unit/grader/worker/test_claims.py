"""Renewing the claims of running jobs."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest

from grader.contract.messages import JobRequest
from grader.errors import AccessError, TemporaryError
from grader.logs import Logger
from grader.ports.jobs import Claim, Granted
from grader.testing import MemoryJobStore
from grader.worker.activity import ActiveJobs
from grader.worker.claims import ClaimRenewer

SOON = 20.0


class Recording(MemoryJobStore):
    """A table that records renewals; the first ones fail with these errors."""

    def __init__(self, *errors: Exception) -> None:
        """Nothing was renewed yet."""
        super().__init__()
        self.errors = list(errors)
        self.renewed: list[tuple[str, tuple[str, ...], timedelta]] = []
        self.third = threading.Event()

    def renew(self, worker_id: str, request_ids: Sequence[str], lease: timedelta) -> None:
        """Record one renewal."""
        self.renewed.append((worker_id, tuple(request_ids), lease))
        if len(self.renewed) == 3:
            self.third.set()
        if self.errors:
            raise self.errors.pop(0)


def renewer(
    jobs: Recording, active: ActiveJobs, log: Logger, seconds: float, refreshed: list[str]
) -> ClaimRenewer:
    return ClaimRenewer(jobs, active, "worker", seconds, lambda: refreshed.append("read"), log)


def test_all_running_jobs_are_renewed_at_once_for_three_intervals(log: Logger) -> None:
    """One statement, however many consumers a worker has."""
    jobs, active = Recording(), ActiveJobs()
    renew = renewer(jobs, active, log, 60, []).renew
    for consumer, request_id in (("a", "req_1"), ("b", "req_2"), ("c", "req_3")):
        active.begin(consumer)
        active.claim(consumer, request_id, 1)
    active.end("b")

    renew()

    assert jobs.renewed == [("worker", ("req_1", "req_3"), timedelta(minutes=3))]


def test_without_a_claim_nothing_is_renewed(log: Logger) -> None:
    """An idle worker does not use the database, and neither does one that is about to claim."""
    jobs, active = Recording(), ActiveJobs()
    active.begin("a")

    renewer(jobs, active, log, 60, []).renew()

    assert jobs.renewed == []


@pytest.mark.parametrize("error", [TemporaryError("away"), AccessError("refused"), KeyError("bug")])
def test_renewal_goes_on_after_an_error(
    log: Logger, log_stream: io.StringIO, error: Exception
) -> None:
    """Two of three may fail; after a refused login the parameters are read again."""
    jobs, active, refreshed = Recording(error, error), ActiveJobs(), []
    active.claim("a", "req_1", 1)

    with renewer(jobs, active, log, 0.01, refreshed).in_background():
        assert jobs.third.wait(SOON)

    assert log_stream.getvalue().count("Claims not renewed") == 2
    assert refreshed == ["read"] * (2 * isinstance(error, AccessError))


def claimed(jobs: MemoryJobStore, active: ActiveJobs, consumer: str, request_id: str) -> None:
    """Claim a request for a consumer."""
    request = JobRequest(request_id=request_id)
    granted = jobs.claim(Claim(request, f"ID:{request_id}", "requests", "worker"))
    assert isinstance(granted, Granted)
    active.claim(consumer, request_id, granted.attempt)


def test_running_jobs_are_given_back_and_their_attempts_not_counted(log: Logger) -> None:
    """Any message of the request may be graded at once, also one that was sent again."""
    jobs, active = Recording(), ActiveJobs()
    claimed(jobs, active, "a", "req_1")
    renewing = renewer(jobs, active, log, 60, [])

    renewing.give_back()
    renewing.renew()

    assert jobs.get("req_1").attempts == 0
    assert jobs.renewed == []
    another = Claim(JobRequest(request_id="req_1"), "ID:another", "requests", "worker-2")
    assert jobs.claim(another) == Granted(1)


def test_job_is_given_back_or_settled_and_never_both(log: Logger) -> None:
    """A job that is being settled keeps its attempt; one that was given back cannot be settled."""
    jobs, active = Recording(), ActiveJobs()
    claimed(jobs, active, "a", "req_1")
    claimed(jobs, active, "b", "req_2")
    assert active.settle("a")

    renewer(jobs, active, log, 60, []).give_back()

    assert (jobs.get("req_1").attempts, jobs.get("req_2").attempts) == (1, 0)
    assert not active.settle("b")


def test_request_that_cannot_be_given_back_is_logged(log: Logger, log_stream: io.StringIO) -> None:
    """The worker leaves all the same, and tries the others."""

    class Away(MemoryJobStore):
        def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
            if request_id == "req_1":
                raise TemporaryError("database: away")
            return super().give_back(worker_id, request_id, attempt)

    jobs, active = Away(), ActiveJobs()
    claimed(jobs, active, "a", "req_1")
    claimed(jobs, active, "b", "req_2")

    ClaimRenewer(jobs, active, "worker", 60, lambda: None, log).give_back()

    assert (jobs.get("req_1").attempts, jobs.get("req_2").attempts) == (1, 0)
    assert "not given back, its attempt counts reason=database: away" in log_stream.getvalue()


def test_request_that_another_worker_has_is_not_logged_as_given_back(
    log: Logger, log_stream: io.StringIO
) -> None:
    """Its message was redelivered meanwhile, and its claim taken over."""
    jobs, active = Recording(), ActiveJobs()
    claimed(jobs, active, "a", "req_1")
    jobs.claim(Claim(JobRequest(request_id="req_1"), "ID:req_1", "requests", "worker-2"))

    renewer(jobs, active, log, 60, []).give_back()

    assert jobs.get("req_1").attempts == 2
    assert "taken over already" in log_stream.getvalue()
    assert "given back" not in log_stream.getvalue()
