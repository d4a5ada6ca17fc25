"""The judge as it runs in a worker, in a real sandbox but without the queue."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ten_submissions import Case

from grader.contract.bucket import ObjectUrl, source_key, test_cases_prefix
from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.contract.verdicts import Verdict
from grader.judge.caches import open_caches
from grader.judge.grader import Grader
from grader.judge.limits import MaxLimits
from grader.ports.handlers import JobHandler
from grader.ports.stores import ObjectStore
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

BUCKET = "bench"
_MAX_LIMITS = MaxLimits(time_limit_ms=60_000, memory_limit_mb=1024, source_bytes=1 << 20)
_CACHE_BYTES = 1 << 30
_NUMBERS = itertools.count(1)


class _Silence:
    """A log that discards events."""

    def info(self, event: str, **fields: object) -> None:
        """Discard an event."""


@dataclass(frozen=True)
class Judge:
    """
    A request handler and its bucket.

    Args:
        handler: Handler of a worker.
        objects: The bucket.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
    """

    handler: JobHandler[GradingRequest]
    objects: ObjectStore
    time_limit_ms: int
    memory_limit_mb: int

    def add_problem(self, problem: str, cases: Iterable[Case]) -> None:
        """Store the test cases of a problem in the bucket."""
        for number, case in enumerate(cases, 1):
            prefix = test_cases_prefix(problem)
            self.objects.put(f"{prefix}{number}.in", case.input, content_type="text/plain")
            self.objects.put(f"{prefix}{number}.ans", case.answer, content_type="text/plain")

    def grade(self, problem: str, language: str, source: bytes) -> Grade:
        """Grade one source; exits without a verdict."""
        request_id = f"bench-{next(_NUMBERS)}"
        key = source_key(request_id, "txt")
        self.objects.put(key, source, content_type="text/plain")
        result = self.handler(
            GradingRequest(
                request_id=request_id,
                user_id="bench",
                problem_id=problem,
                language=language,
                source_file=str(ObjectUrl(BUCKET, key)),
                time_limit=self.time_limit_ms,
                memory_limit=self.memory_limit_mb,
                timestamp=datetime.now(UTC),
            )
        )
        if not isinstance(result, GradingResult) or result.result is None:
            raise SystemExit(f"no verdict for {language}: {result}")
        return result.result

    def accept(self, problem: str, language: str, source: bytes) -> None:
        """Grade a correct source; exits with any verdict but AC."""
        grade = self.grade(problem, language, source)
        if grade.verdict is not Verdict.ACCEPTED:
            raise SystemExit(f"a correct program in {language} got {grade}")


def verdicts(grade: Grade) -> tuple[str, ...]:
    """Verdict of each case, or of the submission if no case was run."""
    return tuple(case.status.value for case in grade.test_results) or (grade.verdict.value,)


@contextmanager
def running(
    launcher: Path,
    time_limit_ms: int,
    memory_limit_mb: int,
    objects: ObjectStore | None = None,
) -> Iterator[Judge]:
    """
    Claim a box and open the grading handler of a worker in it.

    Args:
        launcher: An installed launcher.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
        objects: The bucket; in memory by default, so that only the judge is measured.
    """
    objects = objects or MemoryObjectStore()
    with (
        open_caches(objects, BUCKET, max_bytes=_CACHE_BYTES) as caches,
        Box.claim(launcher) as box,
    ):
        handler = Grader(
            store=objects,
            bucket=BUCKET,
            max_limits=_MAX_LIMITS,
            box=box,
            caches=caches,
            log=_Silence(),
        )
        yield Judge(handler, objects, time_limit_ms, memory_limit_mb)
