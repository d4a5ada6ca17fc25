"""Reads the new results of a rejudging, replaces the old ones, or removes the new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gradectl.errors import TryAgainError
from gradectl.rejudging.comparison import Comparison, Outcome, as_grading_result, outcome_of
from gradectl.rejudging.selection import batches
from gradectl.rejudging.state_file import StateFile
from grader.contract.bucket import ObjectUrl, execution_log_key, result_key
from grader.contract.messages import JobResult
from grader.contract.rejudging import rejudged_id, rejudging_user
from grader.errors import ObjectNotFoundError
from grader.ports.finished import FinishedJob, FinishedJobs
from grader.ports.jobs import JobRecord
from grader.ports.stores import ObjectStore

_PAGE = 100
_MAX_BYTES = 64 << 20
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


def compare(jobs: FinishedJobs, state: StateFile) -> Comparison:
    """Compare the old results of a rejudging with the new ones, accepted or not."""
    comparison = Comparison()
    for page in batches(state.selected(), _PAGE):
        rows = jobs.records([rejudged_id(job.request_id, state.name) for job in page])
        for job in page:
            row = rows.get(rejudged_id(job.request_id, state.name))
            if job.request_id in state.accepted:
                comparison.add_outcome(job, state.accepted[job.request_id])
            else:
                why = state.kept.get(job.request_id) or state.held_back.get(job.request_id, "")
                comparison.add(job, row.result if row else None, "" if row else why)
    return comparison


@dataclass
class Acceptance:
    """
    Replaces old results by new ones; may be interrupted and run again.

    The old result of a request is first copied to `results/ID/before-NAME.json`. Then its row is
    replaced, then its `result.json`, and then the message is sent, if any.

    Args:
        jobs: The finished jobs.
        objects: The bucket.
        bucket: Its name.
        announce: Sends a result message; None for none.
    """

    jobs: FinishedJobs
    objects: ObjectStore
    bucket: str
    announce: Callable[[JobResult], None] | None = None

    def run(self, state: StateFile) -> None:
        """Accept every new result that is a verdict, and remove the rejudging's own rows."""
        state.set_state("accepting")
        for page in batches(state.selected(), _PAGE):
            old = self.jobs.records([job.request_id for job in page])
            new = self.jobs.records([rejudged_id(job.request_id, state.name) for job in page])
            for job in page:
                if job.request_id not in state.accepted:
                    row = new.get(rejudged_id(job.request_id, state.name))
                    self._one(state, job, old.get(job.request_id), row)
        remove_results(self.jobs, self.objects, state.name)
        state.set_state("accepted")

    def _one(
        self, state: StateFile, job: FinishedJob, old: JobRecord | None, new: JobRecord | None
    ) -> None:
        if new is None or new.result is None:
            state.keep(job.request_id, "it was not graded again")
            return
        if new.result.error is not None:
            state.keep(job.request_id, f"the second grading failed: {new.result.error.code}")
            return
        result = self._accepted(new.result, job.request_id)
        if old is None or old.result is None or not self._replaced(state, job, old.result, result):
            state.keep(job.request_id, "its result has changed since the rejudging began")
            return
        self._put_files(job, new.request_id, result)
        outcome = outcome_of(result)
        if self.announce and outcome != Outcome(job.outcome, job.score):
            self.announce(result)
        state.accept(job.request_id, outcome)

    def _replaced(
        self, state: StateFile, job: FinishedJob, old: JobResult, result: JobResult
    ) -> bool:
        """Replace the row, unless an interrupted run has done it already."""
        if old.rejudging == state.name:
            return True
        self._copy(result_key(job.request_id), _before(job, state.name, "json"), _JSON, old)
        self._copy(execution_log_key(job.request_id), _before(job, state.name, "log"), _TEXT)
        return self.jobs.replace(job, result)

    def _accepted(self, result: JobResult, request_id: str) -> JobResult:
        """Return the new result as that of the original request."""
        url = str(ObjectUrl(self.bucket, result_key(request_id)))
        graded = as_grading_result(result) or result
        return graded.model_copy(update={"request_id": request_id, "result_file": url})

    def _put_files(self, job: FinishedJob, derived_id: str, result: JobResult) -> None:
        self._copy(execution_log_key(derived_id), execution_log_key(job.request_id), _TEXT)
        self.objects.put(result_key(job.request_id), result.to_json(), content_type=_JSON)

    def _copy(self, key: str, target: str, kind: str, otherwise: JobResult | None = None) -> None:
        """Copy an object; where it is missing, write `otherwise`, if any."""
        try:
            body = self.objects.get(key, max_bytes=_MAX_BYTES)
        except ObjectNotFoundError:
            if otherwise is None:
                return
            body = otherwise.to_json()
        self.objects.put(target, body, content_type=kind)


def _now() -> datetime:
    return datetime.now(UTC)


def remove_results(
    jobs: FinishedJobs, objects: ObjectStore, name: str, *, now: Callable[[], datetime] = _now
) -> int:
    """
    Delete the rows and files of a rejudging; may be interrupted and run again.

    A row without a result whose claim has ended is deleted too: its worker gave it back or died.

    Args:
        jobs: The finished jobs.
        objects: The bucket.
        name: The rejudging.
        now: The time.

    Returns:
        The number of rows.

    Raises:
        TryAgainError: A worker grades one of them now, and would store its result afterwards.
    """
    running = [each for page in _own(jobs, name) for each in _held(jobs, page, now())]
    if running:
        raise TryAgainError(
            f"{len(running)} requests of the rejudging are being graded now",
            where=running[0],
            next_step="wait until they have a result or their claims have ended, then run the same"
            " command again",
        )
    removed = 0
    for page in _own(jobs, name):
        objects.delete(
            [key for each in page for key in (result_key(each), execution_log_key(each))]
        )
        jobs.remove(page)
        removed += len(page)
    return removed


def _own(jobs: FinishedJobs, name: str) -> Iterator[list[str]]:
    """Yield the request ids of a rejudging, page by page."""
    after = ""
    while page := list(jobs.of_user(rejudging_user(name), after, _PAGE)):
        yield page
        after = page[-1]


def _held(jobs: FinishedJobs, request_ids: list[str], now: datetime) -> list[str]:
    rows = jobs.records(request_ids)
    return [each for each, row in rows.items() if row.is_held(now)]


def _before(job: FinishedJob, name: str, extension: str) -> str:
    """Key of the copy of an old file."""
    return f"results/{job.request_id}/before-{name}.{extension}"
