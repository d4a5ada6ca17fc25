"""Runs the test cases of one submission, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.messages import CaseResult
from grader.contract.verdicts import Fault, Verdict
from grader.judge.case_fetcher import OpenCase
from grader.judge.checker import CasePaths, Checker, Judgement
from grader.judge.execution_log import ExecutionLog
from grader.judge.program import Program
from grader.judge.verdict import describe_end, find_fault
from grader.sandbox.runs import RunOutcome
from grader.text import printable_name

_US_PER_MS = 1000


@dataclass(frozen=True)
class CaseRunner:
    """
    Runs and judges single cases.

    Args:
        program: The compiled submission.
        checker: Judges its output.
        execution: Execution log; gets a line per case.
    """

    program: Program
    checker: Checker
    execution: ExecutionLog

    def run(self, number: int, opened: OpenCase) -> CaseResult:
        """
        Run and judge one case.

        Args:
            number: Number of the case in the result, from 1.
            opened: Its open files.

        Raises:
            RequestError: The problem's checker failed.
            TemporaryError: The sandbox failed.
        """
        outcome = self.program.run(opened.input)
        judgement = self._find_fault(outcome) or self._check(opened)
        result = CaseResult(
            case=number,
            status=judgement.verdict,
            time=outcome.cpu_ms,
            memory=outcome.peak_mb,
            wall_time=-(-outcome.wall_us // _US_PER_MS),  # rounded up, as CPU time is
            memory_kb=outcome.peak_kb,
            score=judgement.score,
            fault=judgement.fault,
            reason=judgement.reason or None,
        )
        self._log(opened.case.name, outcome, result)
        return result

    def _find_fault(self, outcome: RunOutcome) -> Judgement | None:
        refused = not outcome.succeeded and self.program.was_refused_memory()
        found = find_fault(outcome, self.program.limits, refused_memory=refused)
        if found is None:
            return None
        reason = found.reason
        if found.verdict is Verdict.MEMORY_LIMIT_EXCEEDED:
            reason += self.program.language.explain_memory(self.program.limits.memory_mb)
        return Judgement(found.verdict, reason=reason, fault=Fault.SUBMISSION)

    def _check(self, opened: OpenCase) -> Judgement:
        paths = CasePaths(opened.input, opened.answer, self.program.stdout)
        return self.checker.judge(opened.case, paths)

    def _log(self, name: str, outcome: RunOutcome, result: CaseResult) -> None:
        self.execution.add(
            f"case {result.case} ({printable_name(name)}): {result.status}, {result.time} ms CPU,"
            f" {result.wall_time} ms wall, {outcome.peak_kb} kB, {describe_end(outcome)}"
        )
        if result.status is not Verdict.ACCEPTED:
            self.execution.add(result.reason or "", indent="  ")
            stderr = self.program.stderr_tail().decode(errors="replace")
            self.execution.add(stderr, indent="  stderr: ")
