"""In-memory fakes of the bucket, the parameter store and the table of jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import count
from pathlib import Path

from grader.contract.callbacks import Callback
from grader.contract.documents import JobFields, fields_of
from grader.contract.functions import FunctionAnswer, FunctionStatus
from grader.contract.messages import JobResult
from grader.contract.verdicts import Status
from grader.errors import (
    ObjectNotFoundError,
    ObjectTooLargeError,
    SettingsError,
    TemporaryError,
)
from grader.ports.jobs import (
    AlreadyFinished,
    Claim,
    ClaimOutcome,
    Granted,
    HeldByAnother,
    JobRecord,
)
from grader.ports.results import ProgressNote
from grader.ports.stores import ObjectInfo, UploadTarget
from grader.ports.submissions import SubmissionRow
from grader.testing.outbox import MemoryOutbox


def _now() -> datetime:
    return datetime.now(UTC)


def _aware(moment: datetime) -> datetime:
    """Add the time zone to a time in UTC, which a clock of a database lacks."""
    return moment.replace(tzinfo=UTC)


def _etag(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


class MemoryObjectStore:
    """An in-memory bucket; tests may read and change `objects` and the times of `put`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.modified: dict[str, datetime] = {}

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        if key not in self.objects:
            raise ObjectNotFoundError("object not found", where=key)
        body = self.objects[key]
        if len(body) > max_bytes:
            raise ObjectTooLargeError(
                f"{len(body)} bytes, at most {max_bytes} are allowed", where=key
            )
        return body

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Write an object into a new file; raises as the port."""
        body = self.get(key, max_bytes=max_bytes)
        if etag and etag != _etag(body):
            raise TemporaryError("changed since it was listed", where=key)
        with target.open("xb") as file:
            file.write(body)

    def put(self, key: str, body: bytes, *, content_type: str) -> None:  # noqa: ARG002 - parameter of the port
        """Write a whole object."""
        self.objects[key] = body
        self.modified[key] = _now()

    def put_new(self, key: str, body: bytes, *, content_type: str) -> bool:
        """Write a whole object unless the key exists."""
        if key in self.objects:
            return False
        self.put(key, body, content_type=content_type)
        return True

    def upload_target(self, key: str, *, content_type: str, seconds: int) -> UploadTarget:  # noqa: ARG002 - parameter of the port
        """Name the object; tests write it with `put_new`."""
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        return UploadTarget(f"https://memory.invalid/{key}", headers)

    def folders(self, prefix: str) -> Iterable[str]:
        """List the names that follow a prefix, each up to the next slash."""
        rests = (key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))
        return sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Upload a file."""
        self.put(key, source.read_bytes(), content_type=content_type)

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """List the objects with this prefix, in key order."""
        for key in sorted(self.objects):
            if key.startswith(prefix):
                body = self.objects[key]
                yield ObjectInfo(key, len(body), _etag(body), self.modified.get(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are ignored."""
        for key in keys:
            self.objects.pop(key, None)


class MemoryParameterStore:
    """
    An in-memory parameter store.

    Args:
        values: Values by name; tests may change them.
    """

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read all `names`; raises `SettingsError` that lists missing ones."""
        found = self.find_many(names)
        if missing := [name for name in names if name not in found]:
            raise SettingsError(f"parameters not found: {', '.join(missing)}", where="memory")
        return found

    def find_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read those of `names` that exist."""
        return {name: self.values[name] for name in names if name in self.values}


@dataclass
class _Job:
    record: JobRecord
    message_id: str
    leased_until: datetime
    settled: int = 0
    function_id: str = ""
    finished: int = 0  # in the order of the results
    fields: JobFields | None = None
    batch_size: int = 0
    webhook_url: str | None = None


def _row(job: _Job) -> SubmissionRow:
    record = job.record
    fields = job.fields or JobFields(record.request_id)
    created_at = record.created_at or datetime.min.replace(tzinfo=UTC)
    return SubmissionRow(
        **asdict(fields),
        status=record.status,
        attempts=record.attempts,
        created_at=created_at,
        updated_at=record.updated_at or created_at,
        batch_size=job.batch_size or None,
        result_json=None if record.result is None else record.result.to_json().decode(),
        progress_json=record.progress,
    )


class MemoryJobStore:
    """
    An in-memory table of jobs; thread-safe. `outbox` has the webhooks of its results.

    Args:
        now: Current time, UTC.
    """

    def __init__(self, *, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.RLock()
        self._finished = count(1)
        self.outbox = MemoryOutbox(self.submission_rows, now=now)

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        request_id = claim.request.request_id
        with self._lock:
            job = self._jobs.get(request_id)
            if job is not None and job.record.result is not None:
                same_message = job.message_id == claim.message_id
                return AlreadyFinished(job.record.result, same_message, job.record.attempts)
            if job is not None and self._is_held(job, claim):
                return HeldByAnother(job.record.worker_id)
            attempt = 1 if job is None else job.record.attempts + 1
            now = self._now()
            record = JobRecord(
                request_id, "running", attempt, claim.worker_id, claim.queue, None, _aware(now),
                created_at=_aware(now) if job is None else job.record.created_at,
                message_id=claim.message_id,
            )  # fmt: skip
            settled = 0 if job is None else job.settled
            self._jobs[request_id] = _Job(
                record,
                claim.message_id,
                leased_until=now + claim.lease,
                settled=settled,
                function_id=getattr(claim.request, "function_id", ""),
                fields=fields_of(claim.request),
                batch_size=claim.request.batch_size or 0,
                webhook_url=claim.request.webhook_url,
            )
            return Granted(attempt, settled)

    def _is_held(self, job: _Job, claim: Claim) -> bool:
        return job.message_id != claim.message_id and job.leased_until >= self._now()

    def renew(self, worker_id: str, request_ids: Sequence[str], lease: timedelta) -> None:
        """Renew leases."""
        with self._lock:
            for job in map(self._jobs.get, request_ids):
                if job and job.record.worker_id == worker_id and job.record.result is None:
                    job.leased_until = self._now() + lease

    def give_back(self, worker_id: str, request_id: str, attempt: int) -> bool:
        """End a claim without counting its attempt."""
        with self._lock:
            job = self._jobs.get(request_id)
            mine = (worker_id, attempt, None)
            if (
                job is None
                or (job.record.worker_id, job.record.attempts, job.record.result) != mine
            ):
                return False
            job.record = replace(job.record, attempts=attempt - 1, worker_id="", progress=None)
            job.leased_until = self._now() - timedelta(seconds=1)
            return True

    def note_progress(self, notes: Sequence[ProgressNote]) -> None:
        """Note how far running attempts are."""
        with self._lock:
            for note in notes:
                job = self._jobs.get(note.request_id)
                if job and job.record.result is None and job.record.attempts == note.attempt:
                    job.record = replace(job.record, progress=note.text)

    def note_failure(self, request_id: str, attempt: int) -> None:
        """Note the failure of an attempt."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job and job.record.result is None and job.record.attempts == attempt:
                job.settled = attempt

    def finish(
        self, result: JobResult, *, attempt: int = 0, callback: Callback | None = None
    ) -> bool:
        """Store a result, fenced by the number of the attempt; adds a missing row."""
        missing = _Job(JobRecord(result.request_id, "", attempt, "", "", None), "", self._now())
        if callback is not None:
            missing.fields = JobFields(result.request_id, batch_id=callback.batch_id)
            missing.batch_size = callback.batch_size
            missing.webhook_url = callback.url
        with self._lock:
            job = self._jobs.setdefault(result.request_id, missing)
            if job.record.attempts != attempt:
                return False
            stored = JobResult.from_json(result.to_json())
            job.record = replace(
                job.record,
                status=result.status.value,
                result=stored,
                updated_at=_aware(self._now()),
                progress=None,
                created_at=job.record.created_at or _aware(self._now()),
            )
            job.finished = next(self._finished)
            if callback is not None:
                self.outbox.put(callback, result, _aware(self._now()))
            return True

    def submission_rows(
        self, batch_id: str | None = None, webhook_url: str | None = None
    ) -> list[SubmissionRow]:
        """Return all rows in the order of their ids, or those of a batch with a webhook."""
        with self._lock:
            return [
                _row(job)
                for _, job in sorted(self._jobs.items())
                if batch_id is None
                or (job.fields and job.fields.batch_id, job.webhook_url) == (batch_id, webhook_url)
            ]

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job is None:
                return None
            if job.record.result is not None:
                return job.record
            return replace(job.record, held_until=_aware(job.leased_until))

    def reopen(self, request_id: str) -> bool:
        """Delete the row of a failed request."""
        with self._lock:
            job = self._jobs.get(request_id)
            failed = job is not None and job.record.status == Status.FAILED.value
            if failed:
                del self._jobs[request_id]
            return failed

    def release(self, request_id: str, attempt: int, *, force: bool = False) -> bool:
        """End the claim of an attempt."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job is None or job.record.result is not None or job.record.attempts != attempt:
                return False
            if job.leased_until >= self._now() and not force:
                return False
            job.leased_until = self._now() - timedelta(days=1)
            job.record = replace(job.record, worker_id="")
            return True

    def delete(self, request_id: str) -> None:
        """Delete one row, if it exists."""
        with self._lock:
            self._jobs.pop(request_id, None)

    def claimed(self, queue: str) -> dict[str, str]:
        """Return the messages of a queue whose claims hold: original id to worker."""
        with self._lock:
            return {
                job.message_id: job.record.worker_id
                for job in self._jobs.values()
                if job.record.queue == queue
                and job.record.result is None
                and job.leased_until >= self._now()
            }

    def peaks_mb(self, function_id: str, most: int) -> list[int]:
        """Return the peak memory of the last successful runs of a function, the newest first."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.function_id == function_id]
        jobs.sort(key=lambda job: job.finished, reverse=True)
        results = (job.record.result.result for job in jobs if job.record.result)
        answers = (FunctionAnswer.model_validate(each) for each in results if each)
        successes = (each for each in answers if each.status is FunctionStatus.SUCCESS)
        return [each.peak_memory_mb for each in successes][:most]

    def ping(self) -> None:
        """Succeed."""
