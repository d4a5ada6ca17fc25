"""
The worker's default work: grade a submission.

Download, compile once, run every case, judge, upload.  docs/judging.md tells the whole story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from grader.contract.bucket import ObjectUrl, execution_log_key, result_key
from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.contract.verdicts import Status
from grader.errors import RequestError, TemporaryError
from grader.judge.caches import Caches, open_caches
from grader.judge.case_runner import CaseRunner
from grader.judge.checker import open_checker
from grader.judge.compiler import Compiler
from grader.judge.execution_log import ExecutionLog
from grader.judge.limits import MaxLimits, compile_limits, run_limits
from grader.judge.optimization_tip import optimization_tip
from grader.judge.output_validator import install_validator
from grader.judge.problem_loader import load_problem, load_validator
from grader.judge.program import Workspace
from grader.judge.source import check_length, read_source
from grader.judge.verdict import compile_error
from grader.languages import Language, find
from grader.ports.handlers import JobHandler
from grader.ports.stores import ObjectStore
from grader.problems.model import Problem
from grader.problems.scoring import Tally
from grader.sandbox import Box
from grader.sandbox.host import describe_surroundings
from grader.sandbox.selftest import run_self_test

#: Disk that a request may take where nothing is kept for the next one.
_UNKEPT_MAX_BYTES = 1 << 30


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
    ceilings: MaxLimits,
    launcher: Path,
    log: EventLog,
    find_language: Callable[[str], Language] = find,
    caches: Caches | None = None,
    warm: bool = True,
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
        caches: What the slots share.
        warm: Whether interpreters may be started ahead of time.
        clock: Tells the time of a result.

    Raises:
        SettingsError: The launcher cannot be run.
        SandboxError: No slot is free.
        SelfTestError: An attack worked; nothing may be graded here.
    """
    with Box.claim(launcher) as box:
        run_self_test(box)
        log.info("Sandbox holds", slot=box.slot, **describe_surroundings())
        yield Grader(store, bucket, ceilings, box, log, clock, find_language, caches, warm)


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
        caches: What was fetched and compiled before; None: nothing is kept.
        warm: Whether interpreters may be started ahead of time.
    """

    store: ObjectStore
    bucket: str
    ceilings: MaxLimits
    box: Box
    log: EventLog
    clock: Callable[[], datetime]
    find_language: Callable[[str], Language] = find
    caches: Caches | None = None
    warm: bool = True
    _proved: dict[str, float] = field(default_factory=dict)

    def __call__(self, request: GradingRequest) -> GradingResult:
        """
        Grade one request.

        Raises:
            RequestError: It can never be graded; says why.
            TemporaryError: The store, the disk or the sandbox failed; another attempt may succeed.
        """
        execution = ExecutionLog()
        try:
            verdict = self._grade(request, execution)
        except RequestError:
            self._upload_log(request.request_id, execution)  # says what a broken validator said
            raise
        except OSError as error:
            raise TemporaryError(
                str(error), where="worker", next_step="see whether its disk is full"
            ) from error
        completed = f"Grading completed - Result: {verdict.verdict}, Score: {verdict.score}"
        self.log.info(completed, request_id=request.request_id)
        return self._upload(request.request_id, verdict, execution)

    def prepare(self, request: GradingRequest) -> None:
        """Fetch test cases that a waiting request will need, as far as it is worth it."""
        if self.caches is not None:
            self.caches.cases.fetch_ahead(self._load_problem(request).cases)

    def _grade(self, request: GradingRequest, execution: ExecutionLog) -> Grade:
        language = self.find_language(request.language)
        limits = run_limits(request, language, self.ceilings)
        with self._slot() as (directory, caches):
            workspace = Workspace(self.box, language, limits, directory, warm=self.warm)
            workspace.warm_up()
            source = read_source(self.store, request.source_url(self.bucket), self.ceilings)
            self.log.info("Downloaded source file from S3", request_id=request.request_id)
            problem = self._load_problem(request)
            check_length(source, self.ceilings, problem.settings)
            count = len(problem.cases)
            execution.add(f"request {request.request_id}, {language.name}, {count} cases")
            compiler = Compiler(self.box, caches.programs, self._proved)
            self._install_validator(problem, compiler, directory, execution)
            failure = compiler.load(
                language, source, compile_limits(language, problem.settings), directory
            )
            if failure:
                execution.add(failure.reason)
                execution.add(failure.message, indent="  compiler: ")
                return compile_error(failure.message, failure.reason, count)
            workspace = replace(
                workspace,
                limits=run_limits(request, language, self.ceilings, problem.settings),
                writable=problem.settings.writable,
            )
            return self._judge(request, problem, workspace, caches, execution)

    def _judge(
        self,
        request: GradingRequest,
        problem: Problem,
        workspace: Workspace,
        caches: Caches,
        execution: ExecutionLog,
    ) -> Grade:
        tally = Tally(problem, stop_at_first_failure=request.stop_at_first_failure)
        numbers = {case.name: number for number, case in enumerate(problem.cases, 1)}
        checker = open_checker(problem, self.box, workspace.directory, execution.add)
        runner = CaseRunner(workspace, checker, execution)
        with closing(caches.cases.each(problem.cases, tally.wants)) as coming:
            for opened in coming:
                tally.add(opened.case, runner.run(numbers[opened.case.name], opened))
        verdict = tally.grade()
        tip = optimization_tip(verdict, workspace.limits)
        return verdict.model_copy(update={"optimization_tip": tip})

    @contextmanager
    def _slot(self) -> Iterator[tuple[Path, Caches]]:
        """Lend a directory and the caches, and leave the slot clean."""
        unkept = open_caches(self.store, self.bucket, max_bytes=_UNKEPT_MAX_BYTES)
        lent = unkept if self.caches is None else nullcontext(self.caches)
        with TemporaryDirectory(prefix="grader-") as name, lent as caches:
            try:
                yield Path(name), caches
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
        self._upload_log(request_id, execution)
        self.store.put(key, result.to_json(), content_type="application/json")
        self.log.info("Result uploaded to S3", request_id=request_id)
        return result

    def _upload_log(self, request_id: str, execution: ExecutionLog) -> None:
        log = execution.to_bytes()
        if log:
            key = execution_log_key(request_id)
            self.store.put(key, log, content_type="text/plain; charset=utf-8")
