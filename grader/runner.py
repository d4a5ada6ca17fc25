"""Running the test cases of one submission, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.contract.messages import CaseResult
from grader.contract.runs import RunLimits, RunOutcome
from grader.contract.verdicts import ErrorCode, Fault, Verdict
from grader.core.cases import CaseFiles
from grader.core.compare import same_tokens
from grader.core.judge import Finding, describe_end, find_fault
from grader.core.report import ExecutionLog
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.ports import ObjectStore
from grader.workspace import Workspace

_CASE_MAX_BYTES = 256 << 20


@dataclass(frozen=True)
class CaseRunner:
    """
    Fetches, runs and judges cases; holds the files of one case at a time.

    Args:
        store: Where the cases are.
        workspace: The submission, loaded.
        limits: Bounds of each case.
        execution: Told about each case.
    """

    store: ObjectStore
    workspace: Workspace
    limits: RunLimits
    execution: ExecutionLog

    def run(self, number: int, case: CaseFiles) -> CaseResult:
        """
        Judge one case.

        Args:
            number: Its place in the result, from 1.
            case: Where its files are.

        Raises:
            RequestError: Its files are gone or too large.
            TemporaryError: The store or the sandbox failed.
        """
        self._fetch(case.input_key, self.workspace.input)
        self._fetch(case.answer_key, self.workspace.answer)
        outcome = self.workspace.run(self.limits)
        refused_memory = self.workspace.was_refused_memory()
        found = find_fault(outcome, self.limits, refused_memory=refused_memory) or self._compare()
        result = _case_result(number, outcome, found)
        self._tell(case.name, outcome, result)
        return result

    def _fetch(self, key: str, target: Path) -> None:
        target.unlink(missing_ok=True)
        try:
            self.store.download(key, target, max_bytes=_CASE_MAX_BYTES)
        except (ObjectNotFoundError, ObjectTooLargeError) as error:
            raise RequestError(
                ErrorCode.TEST_CASES_NOT_FOUND, f"test case {key} cannot be read: {error.what}"
            ) from None

    def _compare(self) -> Finding | None:
        with self.workspace.answer.open("rb") as expected, self.workspace.stdout.open("rb") as got:
            if same_tokens(expected, got):
                return None
            return Finding(Verdict.WRONG_ANSWER, "the output differs from the answer")

    def _tell(self, name: str, outcome: RunOutcome, result: CaseResult) -> None:
        self.execution.add(
            f"case {result.case} ({name}): {result.status}, {result.time} ms CPU,"
            f" {outcome.wall_us // 1000} ms wall, {outcome.peak_kb} kB, {describe_end(outcome)}"
        )
        if result.status is not Verdict.ACCEPTED:
            words = self.workspace.stderr_tail().decode(errors="replace")
            self.execution.add(words, indent="  stderr: ")


def _case_result(number: int, outcome: RunOutcome, found: Finding | None) -> CaseResult:
    return CaseResult(
        case=number,
        status=found.verdict if found else Verdict.ACCEPTED,
        time=outcome.cpu_ms,
        memory=outcome.peak_mb,
        wall_time=outcome.wall_us // 1000,
        memory_kb=outcome.peak_kb,
        fault=Fault.SUBMISSION if found else None,
        reason=found.reason if found else None,
    )
