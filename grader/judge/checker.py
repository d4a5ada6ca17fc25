"""
Judges outputs by the built-in comparison, or by the problem's output validator in the sandbox.

A validator runs as ``validator input answer feedback_dir/ [flags] < output`` and exits with 42 for
accepted or 43 for wrong.  Every other end is the problem's fault: `RequestError` with
`CHECKER_FAILED`, never a verdict on the submission.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.contract.verdicts import Fault, Verdict
from grader.errors import ObjectNotFoundError, ObjectTooLargeError
from grader.judge.output_validator import MESSAGE_BYTES, Log, check_limits, validator_failed
from grader.judge.program import read_tail
from grader.judge.verdict import explain
from grader.problems.compare import CompareOptions, compare
from grader.problems.model import CaseFiles, Problem, ProblemSettings, ValidatorFiles
from grader.problems.output_validators import language_of, run_command
from grader.problems.points import SCORE_FILE, SHARE_FILE, points_from_files
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec, StopReason
from grader.text import printable

_ACCEPT, _WRONG = 42, 43
_SHORT_BYTES = 256
_SHOWN_CHARACTERS = 500
_INPUT, _ANSWER, _FEEDBACK = "/dev/fd/3", "/dev/fd/4", "./"
_CHECKER_DIRECTORY = "../checker/"


@dataclass(frozen=True)
class CasePaths:
    """
    Files of one run: mode 0644, in a directory that only the worker can enter.

    Args:
        input: Input of the submission.
        answer: Answer of the problem.
        output: Output of the submission.
    """

    input: Path
    answer: Path
    output: Path


@dataclass(frozen=True)
class Judgement:
    """
    The judgement of one output.

    Args:
        verdict: Accepted, or wrong answer.
        score: Points given by the validator; None: the points of the case's group apply.
        reason: The reason, safe to show; may be empty.
        fault: Who has to change something; None if accepted.
    """

    verdict: Verdict
    score: float | None = None
    reason: str = ""
    fault: Fault | None = None


class Checker(Protocol):
    """Judges the outputs of one problem."""

    def judge(self, case: CaseFiles, paths: CasePaths) -> Judgement:
        """
        Judge the output of one case.

        Raises:
            RequestError: The problem's validator failed.
            TemporaryError: The sandbox failed.
        """
        ...


def open_checker(problem: Problem, box: Box, directory: Path, log: Log) -> Checker:
    """
    Create the checker of a problem; its validator must be installed already.

    Args:
        problem: The problem.
        box: The box that contains the validator.
        directory: Private directory of the worker; holds the validator's output of one case.
        log: Receives the validator's messages to judges.
    """
    if problem.validator is None:
        return BuiltInChecker(problem.settings)
    return CustomChecker(problem, problem.validator, box, directory, log)


@dataclass(frozen=True)
class BuiltInChecker:
    """Compares the output with the answer by the flags of the case."""

    settings: ProblemSettings

    def judge(self, case: CaseFiles, paths: CasePaths) -> Judgement:
        """Judge the output of one case."""
        options = CompareOptions.from_flags(case.flags, case_sensitive=self.settings.case_sensitive)
        with paths.answer.open("rb") as expected, paths.output.open("rb") as got:
            comparison = compare(expected, got, options)
        if comparison.equal:
            return Judgement(Verdict.ACCEPTED)
        return Judgement(Verdict.WRONG_ANSWER, reason=comparison.reason, fault=Fault.SUBMISSION)


@dataclass(frozen=True)
class CustomChecker:
    """Runs the problem's validator as the checker user of the box; see `open_checker`."""

    problem: Problem
    validator: ValidatorFiles
    box: Box
    directory: Path
    log: Log

    def judge(self, case: CaseFiles, paths: CasePaths) -> Judgement:
        """Judge the output of one case; raises like `Checker.judge`."""
        limits = check_limits(self.problem.settings)
        outcome = self._run(case, paths, limits)
        for title, message in (
            ("validator", self._file("judgemessage.txt", MESSAGE_BYTES)),
            ("validator stderr", read_tail(self._stderr, MESSAGE_BYTES)),
        ):
            if message:
                self.log(f"{title}: {message.decode(errors='replace')}")
        if outcome.reason is not StopReason.ENDED or outcome.exit_code not in (_ACCEPT, _WRONG):
            raise validator_failed(f"on case {case.name}: {_how_it_ended(outcome, limits)}")
        reason = _shown(self._file("teammessage.txt", MESSAGE_BYTES) or b"")
        if outcome.exit_code == _WRONG:
            return Judgement(Verdict.WRONG_ANSWER, reason=reason, fault=Fault.SUBMISSION)
        return Judgement(Verdict.ACCEPTED, score=self._points(case), reason=reason)

    @property
    def _stdout(self) -> Path:
        return self.directory / "validator-stdout"

    @property
    def _stderr(self) -> Path:
        return self.directory / "validator-stderr"

    def _run(self, case: CaseFiles, paths: CasePaths, limits: RunLimits) -> RunOutcome:
        arguments = (_INPUT, _ANSWER, _FEEDBACK, *case.flags)
        return self.box.run(
            RunSpec(
                role=Role.CHECKER,
                policy=language_of(self.validator).policy,
                argv=run_command(self.validator, _CHECKER_DIRECTORY, arguments),
                limits=limits,
                stdin=paths.output,
                stdout=self._stdout,
                stderr=self._stderr,
                inputs=(paths.input, paths.answer),
                writable=True,
            )
        )

    def _points(self, case: CaseFiles) -> float | None:
        score, share = (self._file(name, _SHORT_BYTES) for name in (SCORE_FILE, SHARE_FILE))
        try:
            return points_from_files(self.problem, case, score, share)
        except ValueError as error:
            raise validator_failed(f"on case {case.name}: {error}") from None

    def _file(self, name: str, max_bytes: int) -> bytes | None:
        """Read a feedback file; None if it does not exist or is not a regular file."""
        try:
            return self.box.collect(Role.CHECKER, name, max_bytes=max_bytes)
        except ObjectNotFoundError:
            return None
        except ObjectTooLargeError:
            raise validator_failed(f"{name} is larger than {max_bytes} bytes") from None


def _how_it_ended(outcome: RunOutcome, limits: RunLimits) -> str:
    if outcome.succeeded:
        return "exit code 0, which is not a verdict"
    return explain(outcome, limits)


def _shown(message: bytes) -> str:
    """Make a message to the submitter printable, one line and at most 500 characters."""
    return printable(" ".join(message.decode(errors="replace").split()))[:_SHOWN_CHARACTERS]
