"""Judging a problem's own submissions on this machine, as a worker would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gradectl.problems.expectations import ACCEPTED, TOO_SLOW, Timing, deviation, suggest_limit
from gradectl.problems.folder_store import FolderObjectStore
from gradectl.problems.package import Problem
from gradectl.problems.submissions import Submission
from grader.contract.bucket import ObjectUrl, execution_log_key, source_key
from grader.contract.messages import Grade, GradingRequest
from grader.contract.verdicts import Verdict
from grader.errors import RequestError
from grader.judge.caches import open_caches
from grader.judge.grader import Grader
from grader.judge.limits import MaxLimits
from grader.sandbox import Box

_BUCKET = "verify"
_CEILINGS = MaxLimits(time_limit_ms=60_000, memory_limit_mb=4096, source_bytes=1 << 20)
#: For finding out how long the accepted ones take, where nothing says how long they may.
UNKNOWN_LIMIT_MS = 10_000
DEFAULT_MEMORY_MB = 256
_CACHE_BYTES = 2 << 30
_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Outcome:
    """
    What became of a submission.

    Args:
        submission: Which.
        grade: Its grade; None where the problem is at fault.
        deviation: How that differs from what was expected; empty: it does not.
        needed_ms: Its slowest case where it was given more time, for one that has to be too slow.
    """

    submission: Submission
    grade: Grade | None
    deviation: str
    needed_ms: int | None = None

    @property
    def slowest_ms(self) -> int | None:
        """CPU milliseconds of its slowest case; None when none was run."""
        results = self.grade.test_results if self.grade else ()
        return max((one.time for one in results), default=None)

    def needed_at_least(self, allowed_ms: int) -> int:
        """CPU milliseconds it would take; one that was stopped would have taken all, and more."""
        verdicts = [one.status for one in self.grade.test_results] if self.grade else []
        stopped = Verdict.TIME_LIMIT_EXCEEDED in verdicts
        return max(self.slowest_ms or 0, allowed_ms if stopped else 0)


@dataclass(frozen=True)
class Report:
    """
    What a verification found.

    Args:
        outcomes: In the order of the submissions.
        timing: What the times say about the limit.
        limit_from: Who set the limit.
        memory_limit_mb: MB that were allowed.
        warnings: What the problem's author should know.
    """

    outcomes: Sequence[Outcome]
    timing: Timing
    limit_from: str
    memory_limit_mb: int
    warnings: Sequence[str]

    @property
    def deviating(self) -> list[Outcome]:
        """Those that did not do what their folder says."""
        return [outcome for outcome in self.outcomes if outcome.deviation]


@dataclass(frozen=True)
class _NoLog:
    """Takes the place of the worker's log."""

    def info(self, event: str, **fields: object) -> None:
        """Say nothing: the outcome tells."""


@dataclass(frozen=True)
class Progress:
    """
    Who is told how far a verification is.

    Args:
        begin: Told of each submission before it is judged.
        done: Told of each that was.
        details: Told what the execution log says of one that deviates.
    """

    begin: Callable[[Submission], object]
    done: Callable[[Outcome], object]
    details: Callable[[str], object]


@dataclass
class Verifier:
    """
    Judges the submissions of one problem.

    Args:
        problem: What they are submitted to.
        store: The problem's files.
        grader: The worker's.
        memory_limit_mb: MB for each.
        progress: Who is told how far it is.
    """

    problem: Problem
    store: FolderObjectStore
    grader: Grader
    memory_limit_mb: int
    progress: Progress
    _count: int = field(default=0)

    def verify(self, submissions: Iterable[Submission], limit_ms: int | None) -> Report:
        """
        Judge all of them.

        Args:
            submissions: The accepted ones first.
            limit_ms: The time limit that was asked for; None: the problem's, else the least that
                fits the accepted ones.
        """
        settings = self.problem.content.settings
        every = list(submissions)
        known = limit_ms or settings.time_limit_ms
        limit_from = "option" if limit_ms else "problem.yaml" if known else "suggested"
        accepted = [one for one in every if one.folder == ACCEPTED]
        outcomes = [self._judge(one, known or UNKNOWN_LIMIT_MS) for one in accepted]
        slowest = max(
            (outcome.slowest_ms or 0 for outcome in outcomes if not outcome.deviation),
            default=None,
        )
        limit = (
            known
            or (suggest_limit(slowest, settings.accepted_factor) if slowest is not None else None)
            or UNKNOWN_LIMIT_MS
        )
        outcomes += [self._judge(one, limit) for one in every if one.folder != ACCEPTED]
        timing = Timing(
            limit_ms=limit,
            slowest_accepted_ms=slowest,
            too_slow_ms=[one.needed_ms for one in outcomes if one.needed_ms is not None],
            accepted_factor=settings.accepted_factor,
            too_slow_factor=settings.too_slow_factor,
        )
        return Report(outcomes, timing, limit_from, self.memory_limit_mb, timing.warnings())

    def _judge(self, submission: Submission, limit_ms: int) -> Outcome:
        """Judge one; what has to be too slow is run once more, to see by how much."""
        self.progress.begin(submission)
        outcome = self._judge_once(submission, limit_ms)
        if submission.folder == TOO_SLOW and not outcome.deviation:
            more_ms = round(limit_ms * self.problem.content.settings.too_slow_factor)
            again = self._judge_once(submission, min(more_ms, _CEILINGS.time_limit_ms))
            outcome = replace(outcome, needed_ms=again.needed_at_least(more_ms))
        self.progress.done(outcome)
        return outcome

    def _judge_once(self, submission: Submission, limit_ms: int) -> Outcome:
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
            return Outcome(submission, None, error.what)
        assert grade is not None  # noqa: S101 - a completed result has one
        found = deviation(submission.folder, grade)
        if found:
            self._show_log(submission, request_id)
        return Outcome(submission, grade, found)

    def _show_log(self, submission: Submission, request_id: str) -> None:
        text = self.store.objects.get(execution_log_key(request_id), b"").decode()
        if text:
            self.progress.details(f"--- {submission.name}\n{text.rstrip()}")


@contextmanager
def open_verifier(problem: Problem, launcher: Path, progress: Progress) -> Iterator[Verifier]:
    """
    Claim a slot of the sandbox for the block.

    Args:
        problem: What is verified.
        launcher: The sandbox's.
        progress: Who is told how far it is.

    Raises:
        SettingsError: The launcher cannot be run.
        SandboxError: No slot is free.
    """
    store = FolderObjectStore(problem.files)
    memory_mb = problem.content.settings.memory_limit_mb or DEFAULT_MEMORY_MB
    with (
        Box.claim(launcher) as box,
        open_caches(store, _BUCKET, max_bytes=_CACHE_BYTES) as caches,
    ):
        grader = Grader(
            store, _BUCKET, _CEILINGS, box, _NoLog(), lambda: datetime.now(UTC), caches=caches
        )
        limit_mb = min(memory_mb, _CEILINGS.memory_limit_mb)
        yield Verifier(problem, store, grader, limit_mb, progress)


def words_of(outcome: Outcome) -> str:
    """Say what a submission came to."""
    grade = outcome.grade
    if grade is None:
        return "the problem failed"
    verdicts = {one.status for one in grade.test_results if one.status is not Verdict.ACCEPTED}
    others = sorted(verdicts - {grade.verdict})
    return " + ".join([grade.verdict, *others])
