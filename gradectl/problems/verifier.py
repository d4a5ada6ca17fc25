"""Judges the example submissions of a problem on this machine, with the code of the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gradectl.problems.expectations import ACCEPTED, TOO_SLOW, Timing, deviation, suggest_limit
from gradectl.problems.folder_store import FolderObjectStore
from gradectl.problems.package import ProblemPackage
from gradectl.problems.submissions import Submission
from grader.contract.bucket import ObjectUrl, execution_log_key, source_key
from grader.contract.messages import Grade, GradingRequest
from grader.contract.verdicts import Verdict
from grader.errors import ObjectNotFoundError, RequestError
from grader.judge.caches import open_caches
from grader.judge.grader import Grader
from grader.judge.limits import MaxLimits
from grader.sandbox import Box

_BUCKET = "verify"
_MAX_LIMITS = MaxLimits(time_limit_ms=60_000, memory_limit_mb=4096, source_bytes=1 << 20)
#: For measuring the accepted submissions of a problem without a time limit.
UNKNOWN_LIMIT_MS = 10_000
DEFAULT_MEMORY_MB = 256
_CACHE_BYTES = 2 << 30
_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class JudgedSubmission:
    """
    A submission with its grade.

    Args:
        submission: The submission.
        grade: Its grade; None if the problem is at fault.
        deviation: How the grade deviates from the expectation; empty if it does not.
        needed_ms: For one that has to be too slow: its slowest case under a longer limit.
    """

    submission: Submission
    grade: Grade | None
    deviation: str
    needed_ms: int | None = None

    @property
    def slowest_ms(self) -> int | None:
        """CPU milliseconds of its slowest case; None if no case was run."""
        results = self.grade.test_results if self.grade else ()
        return max((one.time for one in results), default=None)

    def needed_at_least(self, allowed_ms: int) -> int:
        """CPU milliseconds of its slowest case; at least `allowed_ms` if a case was stopped."""
        verdicts = [one.status for one in self.grade.test_results] if self.grade else []
        stopped = Verdict.TIME_LIMIT_EXCEEDED in verdicts
        return max(self.slowest_ms or 0, allowed_ms if stopped else 0)


@dataclass(frozen=True)
class VerificationReport:
    """
    The result of a verification.

    Args:
        judged: The submissions with their grades, in the order of judging.
        timing: The measured times and the time limit.
        limit_from: Source of the time limit: `option`, `problem.yaml` or `suggested`.
        memory_limit_mb: The memory limit in MB.
        warnings: Lines for the problem's author.
    """

    judged: Sequence[JudgedSubmission]
    timing: Timing
    limit_from: str
    memory_limit_mb: int
    warnings: Sequence[str]

    @property
    def deviating(self) -> list[JudgedSubmission]:
        """The submissions that deviate from the expectation of their folder."""
        return [each for each in self.judged if each.deviation]


@dataclass(frozen=True)
class _NullEventLog:
    """Discards the log events of the grader."""

    def info(self, event: str, **fields: object) -> None:
        """Discard an event."""


@dataclass(frozen=True)
class VerificationProgress:
    """
    Callbacks that show the progress of a verification.

    Args:
        begin: Called before a submission is judged.
        done: Called after a submission was judged.
        details: Called with the execution log of a submission that deviates.
    """

    begin: Callable[[Submission], object]
    done: Callable[[JudgedSubmission], object]
    details: Callable[[str], object]


@dataclass
class Verifier:
    """
    Judges the submissions of one problem.

    Args:
        problem: The problem.
        store: The problem's files, and the sources and results of the submissions.
        grader: The grader of the worker.
        memory_limit_mb: The memory limit in MB.
        progress: Callbacks.
    """

    problem: ProblemPackage
    store: FolderObjectStore
    grader: Grader
    memory_limit_mb: int
    progress: VerificationProgress
    _count: int = field(default=0)

    def verify(self, submissions: Iterable[Submission], limit_ms: int | None) -> VerificationReport:
        """
        Judge all submissions, the accepted ones first.

        Args:
            submissions: The submissions in any order.
            limit_ms: The time limit; None takes that of the problem, or else the smallest that
                fits the accepted submissions.
        """
        settings = self.problem.content.settings
        every = list(submissions)
        known = limit_ms or settings.time_limit_ms
        limit_from = "option" if limit_ms else "problem.yaml" if known else "suggested"
        accepted = [one for one in every if one.folder == ACCEPTED]
        judged = [self._judge(one, known or UNKNOWN_LIMIT_MS) for one in accepted]
        slowest = max(
            (each.slowest_ms or 0 for each in judged if not each.deviation),
            default=None,
        )
        limit = (
            known
            or (suggest_limit(slowest, settings.accepted_factor) if slowest is not None else None)
            or UNKNOWN_LIMIT_MS
        )
        judged += [self._judge(one, limit) for one in every if one.folder != ACCEPTED]
        timing = Timing(
            limit_ms=limit,
            slowest_accepted_ms=slowest,
            too_slow_ms=[one.needed_ms for one in judged if one.needed_ms is not None],
            accepted_factor=settings.accepted_factor,
            too_slow_factor=settings.too_slow_factor,
        )
        return VerificationReport(
            judged, timing, limit_from, self.memory_limit_mb, timing.warnings()
        )

    def _judge(self, submission: Submission, limit_ms: int) -> JudgedSubmission:
        """Judge one submission; one that has to be too slow is also run with a longer limit."""
        self.progress.begin(submission)
        judged = self._judge_once(submission, limit_ms)
        if submission.folder == TOO_SLOW and not judged.deviation:
            more_ms = round(limit_ms * self.problem.content.settings.too_slow_factor)
            again = self._judge_once(submission, min(more_ms, _MAX_LIMITS.time_limit_ms))
            judged = replace(judged, needed_ms=again.needed_at_least(more_ms))
        self.progress.done(judged)
        return judged

    def _judge_once(self, submission: Submission, limit_ms: int) -> JudgedSubmission:
        self._count += 1
        request_id = f"verify-{self._count}"
        key = source_key(request_id, submission.language.extension)
        self.store.put(key, submission.path.read_bytes(), content_type="text/plain")
        request = GradingRequest(
            request_id=request_id,
            user_id="gradectl",
            problem_id=self.problem.problem_id,
            language=submission.language.name,
            source_file=str(ObjectUrl(_BUCKET, key)),
            time_limit=limit_ms,
            memory_limit=self.memory_limit_mb,
            timestamp=datetime.now(UTC),
        )
        try:
            grade = self.grader(request).result
        except RequestError as error:
            self._show_log(submission, request_id)
            return JudgedSubmission(submission, None, error.what)
        assert grade is not None  # noqa: S101 - a completed result has one
        found = deviation(submission.folder, grade)
        if found:
            self._show_log(submission, request_id)
        return JudgedSubmission(submission, grade, found)

    def _show_log(self, submission: Submission, request_id: str) -> None:
        with suppress(ObjectNotFoundError):
            log = self.store.get(execution_log_key(request_id), max_bytes=_LOG_BYTES).decode()
            self.progress.details(f"--- {submission.name}\n{log.rstrip()}")


@contextmanager
def open_verifier(
    problem: ProblemPackage, launcher: Path, progress: VerificationProgress
) -> Iterator[Verifier]:
    """
    Claim a box of the sandbox for the block.

    Args:
        problem: The problem to verify.
        launcher: Path of the sandbox launcher.
        progress: Callbacks.

    Raises:
        SettingsError: The launcher cannot be run.
        SandboxError: No box is free.
    """
    store = FolderObjectStore(problem.files)
    memory_mb = problem.content.settings.memory_limit_mb or DEFAULT_MEMORY_MB
    with (
        Box.claim(launcher) as box,
        open_caches(store, _BUCKET, max_bytes=_CACHE_BYTES) as caches,
    ):
        grader = Grader(
            store=store,
            bucket=_BUCKET,
            max_limits=_MAX_LIMITS,
            box=box,
            caches=caches,
            log=_NullEventLog(),
        )
        limit_mb = min(memory_mb, _MAX_LIMITS.memory_limit_mb)
        yield Verifier(problem, store, grader, limit_mb, progress)


def verdict_text(judged: JudgedSubmission) -> str:
    """Return the verdict of a submission, followed by other verdicts of its cases."""
    grade = judged.grade
    if grade is None:
        return "problem error"
    verdicts = {one.status for one in grade.test_results if one.status is not Verdict.ACCEPTED}
    others = sorted(verdicts - {grade.verdict})
    return " + ".join([grade.verdict, *others])
