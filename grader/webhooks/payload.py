"""Makes the body of a webhook from the rows of the requests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grader.contract.documents import Document, document_of, running_document
from grader.contract.functions import FunctionAnswer
from grader.contract.messages import JobResult
from grader.contract.submissions import Submission
from grader.errors import GraderError
from grader.ports.results import Outbox, WebhookDelivery
from grader.ports.submissions import SubmissionRow

#: A batch that is larger is sent without the results of single cases.
MOST_BATCH_BYTES = 8 << 20
TEST_TYPE = "webhook.test"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class NoBodyError(GraderError):
    """There is nothing to send any more."""


def body_of(
    delivery: WebhookDelivery,
    row: SubmissionRow | None,
    outbox: Outbox,
    *,
    most: int = MOST_BATCH_BYTES,
) -> bytes:
    """
    Return the body of a delivery.

    `data` is byte for byte what `GET` answers.

    Args:
        delivery: The delivery.
        row: The row of its request; None for a batch, or if there is none.
        outbox: Reads the rows of a batch.
        most: Bytes of a batch with all its cases.

    Raises:
        NoBodyError: The result is not there any more.
        ValueError: A result cannot be read; perhaps a newer worker has written it.
    """
    if delivery.is_batch:
        return _batch_body(delivery.subject, delivery.url, outbox, most)
    result = None if row is None else row.result()
    if row is None or result is None:
        raise NoBodyError(
            "the request was deleted or is processed anew; its next result has its own webhook"
        )
    document = _document(row, result)
    return event(_type_of(document), result.timestamp, document.to_json())


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


def _batch_body(batch_id: str, url: str, outbox: Outbox, most: int) -> bytes:
    batch = _collected(outbox.batch(batch_id, url), most)
    if batch is None:
        batch = _collected(outbox.batch(batch_id, url), None)
    if batch is None or not batch.texts:
        raise NoBodyError("no request of the batch is in the database any more")
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


def _collected(rows: Iterable[SubmissionRow], most: int | None) -> _Batch | None:
    """
    Encode the requests of a batch.

    Args:
        rows: Its rows.
        most: Bytes in all, or None is returned; None: without the results of cases, however many.
    """
    batch, total = _Batch(), 0
    for row in rows:
        result = row.result()
        shown = _without_cases(result) if result is not None and most is None else result
        text = _document(row, shown).to_json()
        total += len(text)
        if most is not None and total > most:
            return None
        batch.texts.append(text)
        batch.size = max(batch.size, row.batch_size or 0)
        if result is not None:
            batch.finished += 1
            batch.last = max(batch.last, result.timestamp)
    return batch


def _without_cases(result: JobResult) -> JobResult:
    grade = result.result
    if not isinstance(grade, dict) or "testResults" not in grade:
        return result
    small = {key: value for key, value in grade.items() if key != "testResults"}
    return result.model_copy(update={"result": small})


def _document(row: SubmissionRow, result: JobResult | None) -> Document:
    if result is None:
        return running_document(row.fields(), attempts=row.attempts)
    return document_of(row.fields(), result, attempts=row.attempts)


def _type_of(document: Document) -> str:
    if isinstance(document, Submission):
        return "submission.finished"
    return "function.finished" if isinstance(document, FunctionAnswer) else "job.finished"
