"""Grading whole submissions with real compilers in the real sandbox, against a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.core.limits import Ceilings
from grader.errors import RequestError, TemporaryError
from grader.grade import Grader, open_handler
from grader.ports import ObjectStore
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

BUCKET = "files"
NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
CEILINGS = Ceilings(time_limit_ms=10_000, memory_limit_mb=256, source_bytes=10_000)
DOUBLE = {
    "python": "print(2 * int(input()))",
    "c": '#include <stdio.h>\nint main(void) { int n; scanf("%d", &n); printf("%d", 2 * n); }',
    "cpp": "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n; }",
}
PROGRAMS = Path(__file__).parents[1] / "fixtures" / "programs"


@pytest.fixture(scope="session")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed slot for all of these tests: each submission has to leave it clean."""
    with Box.claim(launcher) as claimed:
        yield claimed


@dataclass(frozen=True)
class Desk:
    """A grader, its store and its log."""

    box: Box
    store: MemoryObjectStore
    log: CapturingLogger

    def grade(self, source: str, language: str = "python", **fields: object) -> GradingResult:
        """Submit a source and grade it."""
        self.store.put("submissions/req_1/solution", source.encode(), content_type="text/plain")
        return self.handle(language=language, **fields)

    def handle(self, **fields: object) -> GradingResult:
        """Grade a request with these fields, all others being right."""
        return self.grader(self.store)(request(**fields))

    def verdict(self, source: str, language: str = "python", **fields: object) -> Grade:
        """Submit a source and give what is said of it."""
        result = self.grade(source, language, **fields).result
        assert result is not None
        return result

    def grader(self, store: ObjectStore) -> Grader:
        """A grader that works with another store."""
        log = structlog.wrap_logger(self.log, processors=[])
        return Grader(store, BUCKET, CEILINGS, self.box, log, lambda: NOW)

    def events(self) -> list[str]:
        """The words that were logged."""
        return [call.kwargs["event"] for call in self.log.calls]

    def execution_log(self) -> str:
        """What the last submission's log says."""
        return self.store.get("results/req_1/execution.log", max_bytes=1 << 20).decode()


@pytest.fixture
def desk(box: Box) -> Desk:
    """A store with one problem: double the number."""
    store = MemoryObjectStore()
    for name, number in (("1", 21), ("2", 4), ("10", -3)):
        prefix = f"problems/double/testcases/{name}"
        store.put(f"{prefix}.in", f"{number}\n".encode(), content_type="text/plain")
        store.put(f"{prefix}.ans", f"{2 * number}\n".encode(), content_type="text/plain")
    return Desk(box, store, CapturingLogger())


def request(**fields: object) -> GradingRequest:
    defaults: dict[str, object] = {
        "request_id": "req_1",
        "user_id": "user_1",
        "problem_id": "double",
        "language": "python",
        "source_file": f"s3://{BUCKET}/submissions/req_1/solution",
        "time_limit": 5000,
        "memory_limit": 128,
        "timestamp": NOW,
    }
    return GradingRequest.model_validate(defaults | fields)


@pytest.mark.parametrize("language", DOUBLE)
def test_a_right_program_is_accepted_in_each_language(desk: Desk, language: str) -> None:
    """Every case is run, and its time and memory are those of a real process."""
    verdict = desk.verdict(DOUBLE[language], language)

    assert (verdict.verdict, verdict.score) == ("AC", 100), desk.execution_log()
    assert [case.case for case in verdict.test_results] == [1, 2, 3]
    assert all(case.time > 0 and case.memory > 0 for case in verdict.test_results)
    assert desk.box.survivors() == []


@pytest.mark.parametrize("name", ["threads.py", "threads.cpp", "deep_recursion.c"])
def test_threads_and_deep_recursion_are_allowed(desk: Desk, name: str) -> None:
    """A stack may use all of the memory limit, and threads do not each reserve as much."""
    program = PROGRAMS / name
    verdict = desk.verdict(program.read_text(), program.suffix.removeprefix("."))

    assert verdict.verdict == "AC", desk.execution_log()


def test_the_score_is_the_share_of_accepted_cases(desk: Desk) -> None:
    """All cases are run although the last one is wrong."""
    verdict = desk.verdict("n = int(input()); print(2 * n if n > 0 else 0)")

    assert (verdict.verdict, verdict.score) == ("WA", 66)
    assert [case.status for case in verdict.test_results] == ["AC", "AC", "WA"]


def test_a_crash_is_a_runtime_error_with_its_signal_in_the_log(desk: Desk) -> None:
    """Who reads the log sees which signal it was, and what the program said."""
    source = "import os, sys; sys.stderr.write('oh\\x1b[31m no\\n'); os.abort()"
    verdict = desk.verdict(source)

    assert verdict.verdict == "RE"
    assert "ended by SIGABRT" in desk.execution_log()
    assert "stderr: oh\N{REPLACEMENT CHARACTER}[31m no" in desk.execution_log()


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_source_that_does_not_compile_gets_the_compilers_words(desk: Desk, language: str) -> None:
    """The message points to the person's file, not to ours, and no case is run."""
    verdict = desk.verdict("int main( { return 0; }", language)

    assert (verdict.verdict, verdict.score, verdict.test_results) == ("CE", 0, ())
    assert verdict.message is not None
    assert verdict.message.startswith(f"solution.{language}:1:")


@pytest.mark.parametrize("language", DOUBLE)
def test_an_empty_source_is_the_submissions_fault(desk: Desk, language: str) -> None:
    """It neither compiles nor answers, and nothing of ours fails."""
    assert desk.verdict("", language).verdict in {"CE", "WA"}


def test_results_are_stored_and_operators_find_their_words(desk: Desk) -> None:
    """The stored result is the one that is sent, and the log lines are those of the contract."""
    result = desk.grade(DOUBLE["python"])

    stored = desk.store.get("results/req_1/result.json", max_bytes=1 << 20)
    assert stored == result.to_json()
    assert result.result_file == f"s3://{BUCKET}/results/req_1/result.json"
    assert result.timestamp == NOW
    assert desk.execution_log().startswith("request req_1, python, 3 cases\ncase 1 (1): AC, ")
    assert desk.events() == [
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
        ({"source_file": f"s3://{BUCKET}/submissions/../solution"}, "INVALID_REQUEST"),
        ({"source_file": f"s3://{BUCKET}/submissions/none"}, "SOURCE_NOT_FOUND"),
        ({"test_cases": f"s3://{BUCKET}/problems/none/"}, "TEST_CASES_NOT_FOUND"),
        ({"problem_id": "none"}, "TEST_CASES_NOT_FOUND"),
    ],
)
def test_a_request_that_can_never_be_done_says_why(
    desk: Desk, fields: dict[str, object], code: str
) -> None:
    """Nothing is run or stored, and the word for the reason is stable."""
    with pytest.raises(RequestError) as caught:
        desk.grade(DOUBLE["python"], **fields)

    assert caught.value.code == code
    assert list(desk.store.list("results/")) == []


def test_a_source_above_the_ceiling_is_refused(desk: Desk) -> None:
    """Its size is known before it is read into memory."""
    with pytest.raises(RequestError, match="larger than 10000 bytes") as caught:
        desk.grade("#" * 10_001)

    assert caught.value.code == "SOURCE_TOO_LARGE"


def test_a_prefix_is_a_folder(desk: Desk) -> None:
    """Cases of a problem whose name only begins alike are not taken."""
    desk.store.put("problems/double/testcases-old/1.in", b"1", content_type="text/plain")

    verdict = desk.verdict(DOUBLE["python"], test_cases=f"s3://{BUCKET}/problems/double/testcases")

    assert len(verdict.test_results) == 3


class FailingStore(MemoryObjectStore):
    """A store that loses its connection when a result is to be written."""

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Fail."""
        raise TemporaryError("no connection", where=f"{key}, {len(body)} bytes of {content_type}")


def test_a_store_that_fails_is_worth_another_attempt(desk: Desk) -> None:
    """The error passes through as it is, and the slot is clean for the next attempt."""
    failing = FailingStore()
    for found in desk.store.list(""):
        MemoryObjectStore.put(
            failing, found.key, desk.store.get(found.key, max_bytes=1 << 20), content_type=""
        )
    MemoryObjectStore.put(
        failing, "submissions/req_1/solution", DOUBLE["c"].encode(), content_type=""
    )

    with pytest.raises(TemporaryError, match="no connection"):
        desk.grader(failing)(request(language="c"))
    assert list((desk.box.directory / "build").iterdir()) == []


def test_a_handler_is_opened_with_a_slot_that_holds(launcher: Path, desk: Desk) -> None:
    """What the worker gets grades, after the sandbox has been attacked once."""
    log = CapturingLogger()
    clock: Callable[[], datetime] = lambda: NOW  # noqa: E731 - the whole clock
    desk.store.put("submissions/req_1/solution", DOUBLE["python"].encode(), content_type="")
    with open_handler(
        store=desk.store,
        bucket=BUCKET,
        ceilings=CEILINGS,
        launcher=launcher,
        log=structlog.wrap_logger(log, processors=[]),
        clock=clock,
    ) as handler:
        result = handler(request())

    assert result.result is not None
    assert result.result.verdict == "AC"
    assert log.calls[0].kwargs["event"] == "Sandbox holds"
