"""The example that grades a course, on an API in memory."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from grader.client import Program, Source
from grader.client.http import LARGEST_IN_BODY, SentBatch
from grader.contract.messages import Grade
from grader.contract.submissions import Batch, Submission, SubmissionStatus
from grader.contract.verdicts import ErrorCode, Verdict
from grader.errors import ConnectionLostError, RequestError

EXAMPLE = Path(__file__).parents[3] / "examples" / "course"
PROBLEM = '[[problems]]\nid = "sum"\nfile = "sum.py"\nlanguage = "python"\n'
ACCEPTED = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)


class MemoryApi:
    """Keeps each program once by its key, as the API does."""

    def __init__(self) -> None:
        self.programs: dict[str, Program] = {}
        self.batches: dict[str, SentBatch] = {}
        self.status = SubmissionStatus.COMPLETED
        self.error: Exception | None = None

    def submit(  # noqa: PLR0913 - as the client
        self,
        problem_id: str,
        language: str,
        source: Source,
        *,
        user_id: str | None,
        limits: Any,
        request_id: str,
    ) -> str:
        """Take a program."""
        self.programs[request_id] = Program(problem_id, language, source, user_id, limits)
        return request_id

    def submit_batch(self, programs: Sequence[Program], *, batch_key: str) -> SentBatch:
        """Take a batch, whose answer may be lost."""
        if isinstance(self.error, RequestError):
            raise self.error
        ids = tuple(f"{batch_key[:8]}_{number}" for number in range(len(programs)))
        self.programs.update(zip(ids, programs, strict=True))
        sent = self.batches.setdefault(batch_key, SentBatch(f"batch_{batch_key[:8]}", ids))
        if self.error is not None:
            raise self.error
        return sent

    def submission(self, request_id: str) -> Submission:
        """Read one."""
        program, is_done = self.programs[request_id], self.status.is_final
        return Submission(
            request_id=request_id,
            status=self.status,
            user_id=program.user_id or "",
            problem_id=program.problem_id,
            language=program.language,
            result=ACCEPTED if is_done else None,
        )

    def batch(self, batch_id: str) -> Batch:
        """Read a batch."""
        (sent,) = [each for each in self.batches.values() if each.batch_id == batch_id]
        found = tuple(self.submission(each) for each in sent.request_ids)
        return Batch(batch_id=batch_id, size=len(found), finished=0, submissions=found)

    @property
    def taken(self) -> list[tuple[str | None, bytes]]:
        """User and source of the programs that would be graded."""
        return [(each.user_id, each.source.content) for each in self.programs.values()]


class Teacher:
    """A folder with a course, and the API."""

    def __init__(self, module: Any, folder: Path) -> None:
        self.module, self.folder, self.api = module, folder, MemoryApi()
        self.write_course(PROBLEM)

    def write_course(self, text: str) -> None:
        """Write course.toml."""
        (self.folder / "course.toml").write_text(text)

    def hand_in(self, student: str, source: bytes) -> None:
        """Write the program of a student."""
        (self.folder / "students" / student).mkdir(parents=True, exist_ok=True)
        (self.folder / "students" / student / "sum.py").write_bytes(source)

    def grade(self) -> int:
        """Run the program, which does not wait; returns its exit code."""
        paths = [str(self.folder / "course.toml"), str(self.folder / "students")]
        output = ["--output", str(self.folder / "grades.csv"), "--wait=-1"]
        return int(self.module.main([*paths, *output], self._open))

    def verdicts(self) -> list[str]:
        """The verdicts of the CSV."""
        with (self.folder / "grades.csv").open() as file:
            return [row["verdict"] for row in csv.DictReader(file)]

    def _open(self, *_: object, **__: object) -> AbstractContextManager[MemoryApi]:
        return nullcontext(self.api)


@pytest.fixture(scope="module")
def module() -> Iterator[Any]:
    """The program, which is not installed."""
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(EXAMPLE)
        yield importlib.import_module("grade_course")


@pytest.fixture
def teacher(module: Any, tmp_path: Path) -> Teacher:
    """A course with one problem."""
    return Teacher(module, tmp_path)


@pytest.mark.parametrize(("users", "expected"), [("student", "ada"), ("key", None)])
def test_a_student_is_the_user_unless_the_key_is(
    teacher: Teacher, users: str, expected: str | None
) -> None:
    """A key with a user of its own may not name another one."""
    teacher.write_course(f'users = "{users}"\n{PROBLEM}')
    teacher.hand_in("ada", b"1")

    assert teacher.grade() == 0
    assert teacher.api.taken == [(expected, b"1")]


def test_a_batch_whose_answer_was_lost_is_not_graded_twice(teacher: Teacher) -> None:
    """It is repeated as it was, also if a program has changed meanwhile, and with its key."""
    teacher.hand_in("ada", b"1")
    teacher.hand_in("bob", b"2")
    teacher.api.error = ConnectionLostError("lost")
    assert teacher.grade() == 69
    teacher.api.error = None
    teacher.hand_in("bob", b"3")

    assert teacher.grade() == 0
    assert teacher.grade() == 0

    assert teacher.api.taken == [("ada", b"1"), ("bob", b"2"), ("bob", b"3")]
    assert len(teacher.api.batches) == 2
    assert teacher.verdicts() == ["AC", "AC"]


def test_a_batch_that_was_refused_is_made_anew(teacher: Teacher) -> None:
    """After the correction, which is another batch."""
    teacher.hand_in("ada", b"1")
    teacher.api.error = RequestError(ErrorCode.INVALID_REQUEST, "submissions.0.language: unknown")
    assert teacher.grade() == 1
    teacher.api.error = None
    teacher.write_course(PROBLEM.replace("python", "pypy"))

    assert teacher.grade() == 0
    assert [each.language for each in teacher.api.programs.values()] == ["pypy"]


def test_a_large_program_is_sent_alone_and_once(teacher: Teacher) -> None:
    """A batch takes no uploads."""
    large = b"#" * (LARGEST_IN_BODY + 1)
    teacher.hand_in("ada", large)

    assert (teacher.grade(), teacher.grade()) == (0, 0)

    assert teacher.api.taken == [("ada", large)]
    assert teacher.api.batches == {}
    assert teacher.verdicts() == ["AC"]


def test_missing_results_are_another_exit_code(teacher: Teacher) -> None:
    """The next run has them."""
    teacher.hand_in("ada", b"1")
    teacher.api.status = SubmissionStatus.RUNNING

    assert (teacher.grade(), teacher.verdicts()) == (75, ["WAITING"])
    teacher.api.status = SubmissionStatus.COMPLETED
    assert (teacher.grade(), teacher.verdicts()) == (0, ["AC"])


@pytest.mark.parametrize(
    ("course", "says"),
    [
        ("users = 'me'\n" + PROBLEM, "users: 'me'; allowed are: student, key"),
        ("", "it has no [[problems]]"),
        (PROBLEM.replace("id =", "name ="), "problems.0: id is missing"),
        (PROBLEM.replace("sum.py", "../sum.py"), "must be inside the student's folder"),
        (PROBLEM + "time_ms = 'long'\nmemory_mb = 64\n", "invalid literal for int()"),
        (PROBLEM + "time_ms = 2000\n", "time_ms and memory_mb go together"),
        ("users", "Expected '='"),
    ],
)
def test_a_wrong_course_is_a_wrong_call(
    teacher: Teacher, capsys: pytest.CaptureFixture[str], course: str, says: str
) -> None:
    """With the place in the file; nothing is sent."""
    teacher.write_course(course)

    assert teacher.grade() == 2
    assert says in capsys.readouterr().err
    assert teacher.api.programs == {}
