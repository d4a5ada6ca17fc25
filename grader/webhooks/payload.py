"""Makes the body of a webhook from the rows of the requests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from grader.contract.documents import Document, document_of
from grader.contract.functions import FunctionAnswer
from grader.contract.submissions import Submission, SubmissionStatus
from grader.ports.results import Outbox, StoredJob, WebhookDelivery

#: A batch that is larger is sent without the results of single cases.
MOST_BATCH_BYTES = 8 << 20
TEST_TYPE = "webhook.test"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def body_of(
    delivery: WebhookDelivery,
    job: StoredJob | None,
    outbox: Outbox,
    *,
    most: int = MOST_BATCH_BYTES,
) -> bytes | str:
    """
    Return the body of a delivery, or why there is none.

    `data` is byte for byte what `GET` answers.

    Args:
        delivery: The delivery.
        job: The row of its request; None for a batch, or if there is none.
        outbox: Reads the rows of a batch.
        most: Bytes of a batch with all its cases.
    """
    if delivery.is_batch:
        return _batch_body(delivery.subject, outbox, most)
    if job is None or job.result is None:
        return "the request was deleted or is processed anew; its next result has its own webhook"
    document = _document(job)
    return event(_type_of(document), job.result.timestamp, document.to_json())


def event(kind: str, moment: datetime, data: bytes) -> bytes:
    """
    Wrap data as Standard Webhooks recommends.

    Args:
        kind: Type of the event, such as `submission.finished`.
        moment: When it happened, UTC.
        data: JSON.
    """
    time = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return b'{"type":"%b","timestamp":"%b","data":%b}' % (kind.encode(), time.encode(), data)


def _batch_body(batch_id: str, outbox: Outbox, most: int) -> bytes | str:
    batch = _collected(outbox.batch(batch_id), most)
    if batch is None:
        batch = _collected(map(_without_cases, outbox.batch(batch_id)), None)
    if batch is None or not batch.texts:
        return "no request of the batch is in the database any more"
    head = {"batchId": batch_id, "size": batch.size, "finished": batch.finished}
    text = json.dumps(head, separators=(",", ":")).encode()
    data = b'%b,"submissions":[%b]}' % (text[:-1], b",".join(batch.texts))
    return event("batch.finished", batch.last, data)


@dataclass
class _Batch:
    texts: list[bytes] = field(default_factory=list)
    size: int = 0
    finished: int = 0
    last: datetime = _LONG_AGO


def _collected(jobs: Iterable[StoredJob], most: int | None) -> _Batch | None:
    """Encode the requests of a batch; None if they have more than `most` bytes."""
    batch, total = _Batch(), 0
    for job in jobs:
        text = _document(job).to_json()
        total += len(text)
        if most is not None and total > most:
            return None
        batch.texts.append(text)
        batch.size = max(batch.size, job.batch_size)
        if job.result is not None:
            batch.finished += 1
            batch.last = max(batch.last, job.result.timestamp)
    return batch


def _without_cases(job: StoredJob) -> StoredJob:
    grade = job.result.result if job.result is not None else None
    if job.result is None or not isinstance(grade, dict) or "testResults" not in grade:
        return job
    small = {key: value for key, value in grade.items() if key != "testResults"}
    return replace(job, result=job.result.model_copy(update={"result": small}))


def _document(job: StoredJob) -> Document:
    if job.result is not None:
        return document_of(job.fields, job.result, attempts=job.attempts)
    fields = job.fields
    return Submission(
        request_id=fields.request_id,
        status=SubmissionStatus.RUNNING,
        user_id=fields.user_id,
        problem_id=fields.problem_id,
        language=fields.language,
        batch_id=fields.batch_id,
        submitted_at=fields.submitted_at,
        attempts=job.attempts,
    )


def _type_of(document: Document) -> str:
    if isinstance(document, Submission):
        return "submission.finished"
    return "function.finished" if isinstance(document, FunctionAnswer) else "job.finished"
