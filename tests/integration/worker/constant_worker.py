"""The real worker with a handler whose behaviour the request's language selects."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.contract.messages import Grade, GradingRequest, GradingResult, JobResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import GraderError, RequestError, TemporaryError
from grader.handlers import HandlerContext, HandlerSpec
from grader.logs import Logger, Redactor, make_logger
from grader.settings import WorkerSettings, load
from grader.worker.shutdown import run_until_signal
from grader.worker.worker import Worker


@dataclass(frozen=True)
class Constant:
    """Behaves as the request's language says."""

    log: Logger

    def __call__(self, request: GradingRequest) -> JobResult:
        """Accept, fail, or wait at the gate, a FIFO that the test opens."""
        if request.language == "large":  # nearly as large as it may be, and all to be escaped twice
            return JobResult(
                request_id=request.request_id,
                status=Status.COMPLETED,
                result='"' * 3_000_000,
                timestamp=datetime.now(UTC),
            )
        if request.language == "gate":
            Path(os.environ["GATE"]).read_bytes()
        if request.language == "storm":
            raise TemporaryError("the weather is bad")
        if request.language == "bug":
            raise ValueError("nobody thought of this")
        if request.language == "nonsense":
            raise RequestError(ErrorCode.UNKNOWN_LANGUAGE, "unknown language: 'nonsense'")
        return GradingResult(
            request_id=request.request_id,
            status=Status.COMPLETED,
            result=Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1),
            timestamp=datetime.now(UTC),
        )

    def prepare(self, request: GradingRequest) -> None:
        """Log the request; fail for requests that the handler fails at."""
        said = f"Prepared {request.request_id}"
        self.log.info(said)
        if request.language == "bug":
            raise ValueError("nobody thought of this")


@contextmanager
def constant(context: HandlerContext) -> Iterator[HandlerSpec[GradingRequest]]:
    """Open one handler for all consumers."""
    yield HandlerSpec(GradingRequest, lambda: nullcontext(Constant(context.log)))


def main() -> int:
    """Run until a signal."""
    redactor = Redactor()
    log = make_logger("text", "INFO", redactor=redactor)
    try:
        settings = load(WorkerSettings)
        worker = Worker(settings, constant, log, redactor)
        return run_until_signal(
            worker.run,
            drain_seconds=settings.drain_seconds,
            log=log,
            leave=worker.give_back,
        )
    except GraderError as error:
        log.critical(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
