"""
The worker's default work: grade a submission.

Download, compile once, run every case, compare, upload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from grader.contract.layout import ObjectUrl, execution_log_key, result_key
from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.contract.verdicts import ErrorCode, Status
from grader.core.cases import CaseFiles, pair
from grader.core.limits import Ceilings, run_limits
from grader.core.report import ExecutionLog, printable
from grader.core.score import compile_error, grade
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.languages import Language, find
from grader.ports import JobHandler, ObjectStore
from grader.runner import CaseRunner
from grader.sandbox import Box
from grader.sandbox.selftest import run_self_test
from grader.sandbox.surroundings import describe_surroundings
from grader.workspace import Workspace


class EventLog(Protocol):
    """The part of a structlog logger that is used here."""

    def info(self, event: str, **fields: object) -> object:
        """Write one event with its fields."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def open_handler(  # noqa: PLR0913 - the one place where everything is wired, by keyword
    *,
    store: ObjectStore,
    bucket: str,
    ceilings: Ceilings,
    launcher: Path,
    log: EventLog,
    find_language: Callable[[str], Language] = find,
    clock: Callable[[], datetime] = _now,
) -> Iterator[JobHandler[GradingRequest]]:
    """
    Claim a slot, attack it once, and give the function that grades in it, for one thread.

    Args:
        store: The grading bucket.
        bucket: Its name.
        ceilings: The most a request may ask for.
        launcher: The installed sandbox launcher.
        log: Where events go.
        find_language: Knows what this worker can grade.
        clock: Tells the time of a result.

    Raises:
        SettingsError: The launcher cannot be run.
        SandboxError: No slot is free.
        SelfTestError: An attack worked; nothing may be graded here.
    """
    with Box.claim(launcher) as box:
        run_self_test(box)
        log.info("Sandbox holds", slot=box.slot, **describe_surroundings())
        yield Grader(store, bucket, ceilings, box, log, clock, find_language)


@dataclass(frozen=True)
class Grader:
    """
    Grades requests in one slot, one at a time.

    Args:
        store: The grading bucket.
        bucket: Its name; URLs of any other are refused.
        ceilings: The most a request may ask for.
        box: The slot.
        log: Where the words go that operators search for.
        clock: Tells the time of a result.
        find_language: Knows what this worker can grade, and refuses the rest.
    """

    store: ObjectStore
    bucket: str
    ceilings: Ceilings
    box: Box
    log: EventLog
    clock: Callable[[], datetime]
    find_language: Callable[[str], Language] = find

    def __call__(self, request: GradingRequest) -> GradingResult:
        """
        Grade one request.

        Raises:
            RequestError: It can never be graded; says why.
            TemporaryError: The store or the sandbox failed; another attempt may succeed.
        """
        execution = ExecutionLog()
        verdict = self._grade(request, execution)
        completed = f"Grading completed - Result: {verdict.verdict}, Score: {verdict.score}"
        self.log.info(completed, request_id=request.request_id)
        return self._upload(request.request_id, verdict, execution)

    def _grade(self, request: GradingRequest, execution: ExecutionLog) -> Grade:
        language = self.find_language(request.language)
        limits = run_limits(request, language, self.ceilings)
        source = self._download_source(request)
        cases = self._find_cases(request)
        execution.add(f"request {request.request_id}, {language.name}, {len(cases)} cases")
        with TemporaryDirectory() as directory, self._cleaning_up():
            workspace = Workspace(self.box, language, Path(directory))
            failure = workspace.load(source)
            if failure:
                execution.add(failure.message, indent="  compiler: ")
                return compile_error(printable(failure.message))
            runner = CaseRunner(self.store, workspace, limits, execution)
            return grade([runner.run(number, case) for number, case in enumerate(cases, 1)])

    @contextmanager
    def _cleaning_up(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.box.clean()

    def _download_source(self, request: GradingRequest) -> bytes:
        url = request.source_url(self.bucket)
        limit = self.ceilings.source_bytes
        try:
            source = self.store.get(url.key, max_bytes=limit)
        except ObjectNotFoundError:
            raise RequestError(ErrorCode.SOURCE_NOT_FOUND, f"there is no {url}") from None
        except ObjectTooLargeError:
            raise RequestError(
                ErrorCode.SOURCE_TOO_LARGE, f"{url} is larger than {limit} bytes"
            ) from None
        self.log.info("Downloaded source file from S3", request_id=request.request_id)
        return source

    def _find_cases(self, request: GradingRequest) -> list[CaseFiles]:
        prefix = request.test_cases_url(self.bucket).key.removesuffix("/") + "/"
        return pair(prefix, (found.key for found in self.store.list(prefix)))

    def _upload(self, request_id: str, verdict: Grade, execution: ExecutionLog) -> GradingResult:
        key = result_key(request_id)
        result = GradingResult(
            request_id=request_id,
            status=Status.COMPLETED,
            result=verdict,
            result_file=str(ObjectUrl(self.bucket, key)),
            timestamp=self.clock(),
        )
        log = execution.to_bytes()
        self.store.put(execution_log_key(request_id), log, content_type="text/plain; charset=utf-8")
        self.store.put(key, result.to_json(), content_type="application/json")
        self.log.info("Result uploaded to S3", request_id=request_id)
        return result
