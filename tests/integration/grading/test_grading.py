"""Grading whole submissions with real compilers in the real sandbox, against a store in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grader.errors import RequestError, TemporaryError
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

DOUBLE = {
    "python": "print(2 * int(input()))",
    "c": '#include <stdio.h>\nint main(void) { int n; scanf("%d", &n); printf("%d", 2 * n); }',
    "cpp": "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n; }",
}
PROGRAMS = Path(__file__).parents[2] / "fixtures" / "programs"
NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize("language", DOUBLE)
def test_a_right_program_is_accepted_in_each_language(bench: Any, language: str) -> None:
    """Every case is run, and its time and memory are those of a real process."""
    verdict = bench.verdict(DOUBLE[language], language)

    assert (verdict.verdict, verdict.score) == ("AC", 100), bench.execution_log()
    assert [case.case for case in verdict.test_results] == [1, 2, 3]
    assert all(case.time > 0 and case.memory > 0 for case in verdict.test_results)
    assert bench.box.survivors() == []


@pytest.mark.parametrize("name", ["threads.py", "threads.cpp", "deep_recursion.c"])
def test_threads_and_deep_recursion_are_allowed(bench: Any, name: str) -> None:
    """A stack may use all of the memory limit, and threads do not each reserve as much."""
    program = PROGRAMS / name
    verdict = bench.verdict(program.read_text(), program.suffix.removeprefix("."))

    assert verdict.verdict == "AC", bench.execution_log()


def test_the_score_is_the_share_of_accepted_cases(bench: Any) -> None:
    """All cases are run although the last one is wrong."""
    verdict = bench.verdict("n = int(input()); print(2 * n if n > 0 else 0)")

    assert (verdict.verdict, verdict.score) == ("WA", 66)
    assert [case.status for case in verdict.test_results] == ["AC", "AC", "WA"]


def test_a_crash_is_a_runtime_error_with_its_signal_in_the_log(bench: Any) -> None:
    """Who reads the log sees which signal it was, and what the program said."""
    source = "import os, sys; sys.stderr.write('oh\\x1b[31m no\\n'); os.abort()"
    verdict = bench.verdict(source)

    assert verdict.verdict == "RE"
    assert "ended by SIGABRT" in bench.execution_log()
    assert "stderr: oh\N{REPLACEMENT CHARACTER}[31m no" in bench.execution_log()


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_source_that_does_not_compile_gets_the_compilers_words(bench: Any, language: str) -> None:
    """The message points to the person's file, not to ours, and no case is run."""
    verdict = bench.verdict("int main( { return 0; }", language)

    assert (verdict.verdict, verdict.score, verdict.test_results) == ("CE", 0, ())
    assert verdict.message is not None
    assert verdict.message.startswith(f"solution.{language}:1:")


@pytest.mark.parametrize("language", DOUBLE)
def test_an_empty_source_is_the_submissions_fault(bench: Any, language: str) -> None:
    """It neither compiles nor answers, and nothing of ours fails."""
    assert bench.verdict("", language).verdict in {"CE", "WA"}


def test_results_are_stored_and_operators_find_their_words(bench: Any) -> None:
    """The stored result is the one that is sent, and the log lines are those of the contract."""
    result = bench.grade(DOUBLE["python"])

    stored = bench.store.get("results/req_1/result.json", max_bytes=1 << 20)
    assert stored == result.to_json()
    assert result.result_file == "s3://files/results/req_1/result.json"
    assert result.timestamp == NOW
    assert bench.execution_log().startswith("request req_1, python, 3 cases\ncase 1 (1): AC, ")
    assert bench.events() == [
        "Downloaded source file from S3",
        "Grading completed - Result: AC, Score: 100",
        "Result uploaded to S3",
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"language": "cobol"}, "UNKNOWN_LANGUAGE"),
        ({"time_limit": 10_001}, "LIMIT_TOO_HIGH"),
        ({"memory_limit": 257}, "LIMIT_TOO_HIGH"),
        ({"source_file": "s3://other/submissions/req_1/solution"}, "FOREIGN_OBJECT"),
        ({"source_file": "s3://files/submissions/../solution"}, "INVALID_REQUEST"),
        ({"source_file": "s3://files/submissions/none"}, "SOURCE_NOT_FOUND"),
        ({"test_cases": "s3://files/problems/none/"}, "TEST_CASES_NOT_FOUND"),
        ({"problem_id": "none"}, "TEST_CASES_NOT_FOUND"),
    ],
)
def test_a_request_that_can_never_be_done_says_why(
    bench: Any, fields: dict[str, object], code: str
) -> None:
    """Nothing is run or stored, and the word for the reason is stable."""
    with pytest.raises(RequestError) as caught:
        bench.grade(DOUBLE["python"], **fields)

    assert caught.value.code == code
    assert list(bench.store.list("results/")) == []


def test_a_source_above_the_ceiling_is_refused(bench: Any) -> None:
    """Its size is known before it is read into memory."""
    with pytest.raises(RequestError, match="larger than 10000 bytes") as caught:
        bench.grade("#" * 10_001)

    assert caught.value.code == "SOURCE_TOO_LARGE"


def test_a_prefix_is_a_folder(bench: Any) -> None:
    """Cases of a problem whose name only begins alike are not taken."""
    bench.store.put("problems/double/testcases-old/1.in", b"1", content_type="text/plain")

    verdict = bench.verdict(DOUBLE["python"], test_cases="s3://files/problems/double/testcases")

    assert len(verdict.test_results) == 3


class FailingStore(MemoryObjectStore):
    """A store that loses its connection when a result is to be written."""

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Fail."""
        raise TemporaryError("no connection", where=f"{key}, {len(body)} bytes of {content_type}")


def test_a_store_that_fails_is_worth_another_attempt(bench: Any) -> None:
    """The error passes through as it is, and the box is clean for the next attempt."""
    failing = FailingStore()
    for found in bench.store.list(""):
        MemoryObjectStore.put(
            failing, found.key, bench.store.get(found.key, max_bytes=1 << 20), content_type=""
        )
    MemoryObjectStore.put(
        failing, "submissions/req_1/solution", DOUBLE["c"].encode(), content_type=""
    )

    with pytest.raises(TemporaryError, match="no connection"):
        bench.grader(failing)(bench.request(language="c"))
    assert list((bench.box.directory / "build").iterdir()) == []
