"""What a result says beside its verdict: why, who is at fault, what was used, what to change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from grader.contract.verdicts import Fault

pytestmark = pytest.mark.engine

ENDINGS = {
    "while True: pass": ("TLE", r"used \d+ ms of CPU time, 300 ms allowed"),
    "import signal; signal.pause()": (
        "TLE",
        r"slept or waited: [\d.]+ s of wall time with \d+ ms of CPU time, 1\.6 s allowed",
    ),
    "x = b'x' * (8 << 30)": ("MLE", r"wanted more memory than the 64 MB allowed"),
    "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 22))"
    "; kept[-1].write(b'x' * (1 << 22))": ("MLE", r"used [\d.]+ MB of memory, 64 MB allowed"),
    "while True: print('x' * 100000)": ("OLE", r"wrote more than the 16 MB allowed"),
    "import os; os.kill(os.getpid(), 11)": ("RE", r"ended by SIGSEGV"),
    "raise SystemExit(7)": ("RE", r"exit code 7"),
    "print('no')": ("WA", r".+"),
}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("source", ENDINGS)
def test_a_failed_case_says_why(bench: Any, source: str, *, warm: bool) -> None:
    """By how much a limit was passed, or how it ended; the same from a warm interpreter."""
    verdict, words = ENDINGS[source]
    bench.warm = warm
    limits = {"time_limit": 300, "memory_limit": 64, "stop_at_first_failure": True}
    grade = bench.verdict(source, **limits)

    (case,) = grade.test_results
    assert (grade.verdict, case.status) == (verdict, verdict), bench.execution_log()
    assert re.fullmatch(words, case.reason), case.reason
    assert (case.fault, grade.fault) == (Fault.SUBMISSION, Fault.SUBMISSION)
    assert grade.reason == case.reason
    assert case.reason in bench.execution_log()


def test_an_accepted_submission_is_nobodys_fault(bench: Any) -> None:
    """Wall time and kilobytes are added to the figures of the contract."""
    grade = bench.verdict("print(2 * int(input()))")

    assert (grade.fault, grade.reason, grade.cases_total) == (None, None, 3)
    assert grade.memory_kb == max(case.memory_kb for case in grade.test_results)
    assert grade.wall_time == sum(case.wall_time for case in grade.test_results)
    for case in grade.test_results:
        assert case.memory == -(-case.memory_kb // 1024)
        assert (case.fault, case.reason) == (None, None)


def test_limits_far_from_the_need_are_told(bench: Any) -> None:
    """The message that is sent carries the tip; one that asks for what it needs gets none."""
    source = '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d", 2 * n); }'
    wide = bench.grade(source, "c", memory_limit=256, time_limit=10_000)
    assert bench.verdict(source, "c", memory_limit=32, time_limit=400).optimization_tip is None

    assert re.fullmatch(
        r"256 MB of memory asked, \d MB used: 16 MB would do\."
        r" 10000 ms of CPU time asked, \d+ ms used: \d+ ms would do\.",
        wide.result.optimization_tip,
    )
    assert b'"optimizationTip":"256 MB' in wide.to_json()


def test_nothing_more_is_run_after_the_first_failure_where_that_is_wanted(bench: Any) -> None:
    """How many cases there are is still told."""
    grade = bench.verdict("print(42)", stop_at_first_failure=True)

    assert [case.status for case in grade.test_results] == ["AC", "WA"]
    assert (grade.verdict, grade.cases_total) == ("WA", 3)


def test_a_case_keeps_its_number_when_others_are_left_out(bench: Any) -> None:
    """People find the case by its place among all of them."""
    for name in ("a/1", "a/2", "b/3"):
        bench.case(name, "1", "1")
    bench.put("problems/p/testcases/a/testdata.yaml", "on_reject: break\n")
    grade = bench.verdict("print(0)", problem_id="p")

    assert [(case.case, case.group) for case in grade.test_results] == [(1, "a"), (3, "b")]


def test_a_source_that_does_not_compile_says_what_happened(bench: Any) -> None:
    """Nothing was run, and the compiler's words are beside the reason."""
    grade = bench.verdict("int main( { return 0; }", "c")

    assert (grade.verdict, grade.fault, grade.reason) == ("CE", "submission", "does not compile")
    assert grade.message.startswith("solution.c:1:")
    assert (grade.cases_total, grade.test_results) == (3, ())


def test_a_compiler_out_of_its_limits_says_which(bench: Any) -> None:
    """A problem sets how long its submissions may compile."""
    bench.case("1", "1", "1")
    bench.put("problems/p/problem.yaml", "limits:\n  compilation_time: 1\n")
    levels = "".join(
        f"#define A{level} {f'A{level - 1} ' * 10 if level else '1,'}\n" for level in range(9)
    )
    grade = bench.verdict(f"{levels}int x[] = {{ A8 }};\n", "c", problem_id="p")

    assert grade.verdict == "CE"
    assert re.fullmatch(r"the compiler used \d+ ms of CPU time, 1000 ms allowed", grade.reason)


def test_what_is_no_python_does_not_compile(bench: Any) -> None:
    """No case is run for it, and the message says where it goes wrong."""
    grade = bench.verdict("print('42'\n")

    assert (grade.verdict, grade.test_results) == ("CE", ())
    assert 'File "solution.py", line 1' in grade.message
