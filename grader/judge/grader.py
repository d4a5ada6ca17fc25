"""
Grades one submission: download, compile once, run every case, judge, upload.

docs/judging.md describes each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from grader.contract.bucket import ObjectUrl, execution_log_key, result_key
from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.contract.verdicts import Status
from grader.errors import RequestError, TemporaryError
from grader.judge.background import in_background
from grader.judge.caches import Caches
from grader.judge.case_runner import CaseRunner
from grader.judge.checker import open_checker
from grader.judge.compiler import Compiler
from grader.judge.execution_log import ExecutionLog
from grader.judge.limits import MaxLimits, compile_limits, run_limits
from grader.judge.optimization_tip import optimization_tip
from grader.judge.output_validator import install_validator
from grader.judge.problem_loader import load_problem, load_validator
from grader.judge.program import Program
from grader.judge.progress import FinishedCases, compiling
from grader.judge.source import check_length, read_source
from grader.judge.verdict import compile_error
from grader.languages import Language, find
from grader.ports.results import NoProgress, ProgressSink
from grader.ports.stores import ObjectStore
from grader.problems.model import Problem
from grader.problems.scoring import Scorer
from grader.sandbox import Box


class EventLog(Protocol):
    """The part of a structlog logger that is used here."""

    def info(self, event: str, **fields: object) -> object:
        """Write one event with its fields."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Grader:
    """
    Grades requests in one box, one at a time.

    Args:
        store: The grading bucket.
        bucket: Name of the bucket; URLs of other buckets are rejected.
        max_limits: Maximum limits of a request.
        box: The box of the sandbox.
        caches: Fetched objects and compiled programs, shared by the graders of a worker.
        log: Log of the worker; operators search for these lines.
        find_language: Finds a language that this worker grades; raises for others.
        fork_servers: Whether to use fork servers for languages that have one.
        progress: Shows how far a submission is.
        clock: Clock for the timestamp of results, UTC.
    """

    store: ObjectStore
    bucket: str
    max_limits: MaxLimits
    box: Box
    caches: Caches
    log: EventLog
    find_language: Callable[[str], Language] = find
    fork_servers: bool = True
    progress: ProgressSink = field(default_factory=NoProgress)
    clock: Callable[[], datetime] = _now
    _proved: dict[str, float] = field(default_factory=dict)

    def __call__(self, request: GradingRequest) -> GradingResult:
        """
        Grade one request.

        Raises:
            RequestError: The request cannot be graded; another attempt would fail too.
            TemporaryError: The store, the disk or the sandbox failed; another attempt may succeed.
        """
        execution = ExecutionLog()
        try:
            verdict = self._grade(request, execution)
        except RequestError:
            self._upload_log(request.request_id, execution)  # with the output of a broken validator
            raise
        except OSError as error:
            raise TemporaryError(
                str(error), where="worker", next_step="check whether its disk is full"
            ) from error
        completed = f"Grading completed - Result: {verdict.verdict}, Score: {verdict.score}"
        self.log.info(completed, request_id=request.request_id)
        return self._upload(request.request_id, verdict, execution)

    def prepare(self, request: GradingRequest) -> None:
        """Prefetch test cases that a waiting request will need, within the caches' bounds."""
        self.caches.cases.fetch_ahead(self._load_problem(request).cases)

    def _grade(self, request: GradingRequest, execution: ExecutionLog) -> Grade:
        language = self.find_language(request.language)
        limits = run_limits(request, language, self.max_limits)
        with self._clean_box() as directory:
            program = Program(self.box, language, limits, directory, warm=self.fork_servers)
            program.warm_up()
            source = read_source(self.store, request.source_url(self.bucket), self.max_limits)
            self.log.info("Downloaded source file from S3", request_id=request.request_id)
            problem = self._load_problem(request)
            check_length(source, self.max_limits, problem.settings)
            count = len(problem.cases)
            execution.add(f"request {request.request_id}, {language.name}, {count} cases")
            compiler = Compiler(self.box, self.caches.programs, self._proved)
            self.progress.report(request.request_id, lambda: compiling(count))
            self._install_validator(problem, compiler, directory, execution)
            failure = compiler.load(
                language, source, compile_limits(language, problem.settings), directory
            )
            if failure:
                execution.add(failure.reason)
                execution.add(failure.message, indent="  compiler: ")
                return compile_error(failure.message, failure.reason, count)
            program = replace(
                program,
                limits=run_limits(request, language, self.max_limits, problem.settings),
                writable=problem.settings.writable,
            )
            return self._judge(request, problem, program, execution)

    def _judge(
        self,
        request: GradingRequest,
        problem: Problem,
        program: Program,
        execution: ExecutionLog,
    ) -> Grade:
        scorer = Scorer(problem, stop_at_first_failure=request.stop_at_first_failure)
        numbers = {case.name: number for number, case in enumerate(problem.cases, 1)}
        checker = open_checker(problem, self.box, program.directory, execution.add)
        runner = CaseRunner(program, checker, execution)
        done = FinishedCases(len(problem.cases))
        self.progress.report(request.request_id, done.progress)
        with closing(self.caches.cases.each(problem.cases, scorer.wants)) as cases:
            for opened in cases:
                result = runner.run(numbers[opened.case.name], opened)
                done.add(scorer.add(opened.case, result))
                self.progress.report(request.request_id, done.progress)
        verdict = scorer.grade()
        tip = optimization_tip(verdict, program.limits)
        return verdict.model_copy(update={"optimization_tip": tip})

    @contextmanager
    def _clean_box(self) -> Iterator[Path]:
        """Create a private directory; clean the box after, and before if that failed last time."""
        self.box.ensure_clean()
        with TemporaryDirectory(prefix="grader-") as name:
            try:
                yield Path(name)
            finally:
                self.box.clean()

    def _install_validator(
        self, problem: Problem, compiler: Compiler, directory: Path, execution: ExecutionLog
    ) -> None:
        if problem.validator is not None:
            sources = load_validator(self.store, problem.validator)
            program = compiler.validator(sources, directory, execution.add)
            install_validator(self.box, sources, program)

    def _load_problem(self, request: GradingRequest) -> Problem:
        cases = request.test_cases_url(self.bucket).key
        return load_problem(self.store, request.problem_id, cases)

    def _upload(self, request_id: str, verdict: Grade, execution: ExecutionLog) -> GradingResult:
        key = result_key(request_id)
        result = GradingResult(
            request_id=request_id,
            status=Status.COMPLETED,
            result=verdict,
            result_file=str(ObjectUrl(self.bucket, key)),
            timestamp=self.clock(),
        )
        # Both files are there before the row, and the user waits for one round trip instead of two.
        wait_for_log = self._begin_log(request_id, execution)
        try:
            self.store.put(key, result.to_json(), content_type="application/json")
        finally:
            wait_for_log()
        self.log.info("Result uploaded to S3", request_id=request_id)
        return result

    def _begin_log(self, request_id: str, execution: ExecutionLog) -> Callable[[], None]:
        """Upload the log on another thread, if it is not empty; returns what waits for it."""
        if not execution.to_bytes():
            return lambda: None
        return in_background(partial(self._upload_log, request_id, execution))

    def _upload_log(self, request_id: str, execution: ExecutionLog) -> None:
        log = execution.to_bytes()
        if log:
            key = execution_log_key(request_id)
            self.store.put(key, log, content_type="text/plain; charset=utf-8")
