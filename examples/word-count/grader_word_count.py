"""A handler that counts the lines, words and bytes of a document; see docs/handlers.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.contract.bucket import ObjectUrl, result_key
from grader.contract.messages import JobRequest, JobResult
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.handlers import HandlerContext, HandlerSpec
from grader.ports.stores import ObjectStore

_MAX_BYTES = 16 << 20


class CountRequest(JobRequest):
    """A request to count the lines, words and bytes of a document."""

    source_file: str


@dataclass(frozen=True)
class WordCounter:
    """Reads a document from the bucket and writes its counts there."""

    objects: ObjectStore
    bucket: str

    def __call__(self, request: CountRequest) -> JobResult:
        """Count one document; raises `RequestError` if it cannot be read."""
        document = self._read(request.source_file)
        key = result_key(request.request_id)
        result = JobResult(
            request_id=request.request_id,
            status=Status.COMPLETED,
            result={
                "lines": document.count(b"\n"),
                "words": len(document.split()),
                "bytes": len(document),
            },
            result_file=str(ObjectUrl(self.bucket, key)),
            timestamp=datetime.now(UTC),
        )
        self.objects.put(key, result.to_json(), content_type="application/json")
        return result

    def _read(self, source_file: str) -> bytes:
        url = ObjectUrl.parse(source_file, bucket=self.bucket)
        try:
            return self.objects.get(url.key, max_bytes=_MAX_BYTES)
        except ObjectNotFoundError:
            raise RequestError(ErrorCode.SOURCE_NOT_FOUND, f"{url} does not exist") from None
        except ObjectTooLargeError as error:
            raise RequestError(ErrorCode.SOURCE_TOO_LARGE, error.what) from None


@contextmanager
def word_count(context: HandlerContext) -> Iterator[HandlerSpec[CountRequest]]:
    """Open the handler: one counter, shared by all consumers."""
    counter = WordCounter(context.objects, context.bucket)
    yield HandlerSpec(CountRequest, lambda: nullcontext(counter))
