"""`gradectl problem verify` with real submissions in the real sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest

from grader.sandbox.cleanup import processes_of

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples" / "problems"
SCHEMA = REPOSITORY / "docs" / "schemas" / "cli" / "problem-verify.json"

Verify = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verify(launcher: Path, tmp_path: Path) -> Verify:
    """Runs the command outside a project, in the sandbox of the tests."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gradectl.cli", "problem", "verify", *arguments],
            env={**os.environ, "LAUNCHER_PATH": str(launcher)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Parse the output of a run, and validate it against the published schema."""
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    return found


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    """A copy of the smallest example with one accepted submission, in the layout `own`."""
    shutil.copytree(EXAMPLES / "sum", tmp_path / "sum")
    accepted = tmp_path / "sum" / "submissions" / "accepted"
    accepted.mkdir(parents=True)
    shutil.copy(REPOSITORY / "examples/submissions/sum/accepted.py", accepted)
    return tmp_path / "sum"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "best-stretch",
            {
                "accepted/running_sum.cpp": ("AC", 100),
                "accepted/running_sum.py": ("AC", 100),
                "partially_accepted/every_start.py": ("TLE", 60),
                "time_limit_exceeded/every_stretch.cpp": ("TLE", 60),
                "wrong_answer/good_days.py": ("WA", 0),
            },
        ),
        (
            "two-numbers",
            {
                "accepted/from_both_ends.cpp": ("AC", 100),
                "accepted/seen_before.py": ("AC", 100),
                "run_time_error/no_way_out.py": ("RE", 0),
                "time_limit_exceeded/every_pair.py": ("TLE", 0),
                "wrong_answer/same_place.py": ("WA", 0),
            },
        ),
    ],
)
def test_the_example_packages_do_not_deviate(
    verify: Verify, name: str, expected: dict[str, tuple[str, int]]
) -> None:
    """One has points by group, the other a validator in C++."""
    done = verify(str(EXAMPLES / name), "--output", "json")

    assert done.returncode == 0, done.stderr
    found = document(done)
    assert {one["name"]: (one["verdict"], one["score"]) for one in found["submissions"]} == expected
    assert (found["ok"], found["time_limit_ms"], found["too_slow_margin"]) == (True, 1000, 1.5)
    for one in expected:
        assert f"{one}: " in done.stderr  # progress lines


def test_deviating_submissions_exit_with_4(verify: Verify, problem: Path) -> None:
    """The table marks them, and their execution logs are shown."""
    wrong = problem / "submissions" / "wrong_answer"
    wrong.mkdir()
    shutil.copy(problem / "submissions/accepted/accepted.py", wrong / "right.py")
    (problem / "submissions/accepted/crash.py").write_text("1 / 0")

    done = verify(str(problem))

    assert done.returncode == 4
    assert "2 of 3 submissions deviate: accepted/crash.py, wrong_answer/right.py" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "no case is WA" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if "/" in line]
    assert [(row[0], row[-1]) for row in rows] == [
        ("accepted/accepted.py", "yes"),
        ("accepted/crash.py", "no"),
        ("wrong_answer/right.py", "no"),
    ]


def test_without_a_limit_one_is_suggested(verify: Verify, problem: Path) -> None:
    """From the accepted submissions; it applies to the others."""
    slow = problem / "submissions" / "time_limit_exceeded"
    slow.mkdir()
    (slow / "slow.py").write_text("while True:\n    pass\n")

    found = document(verify(str(problem), "-o", "json"))

    assert found["time_limit_from"] == "suggested"
    assert found["time_limit_ms"] == found["suggested_time_limit_ms"]
    assert (found["layout"], found["ok"]) == ("own", True)


def test_the_option_takes_precedence_and_a_short_limit_has_a_warning(
    verify: Verify, problem: Path
) -> None:
    """Every submission exceeds a limit of 1 ms."""
    done = verify(str(problem), "--time-limit", "0.001", "-o", "json")

    found = document(done)
    assert done.returncode == 4
    assert (found["time_limit_ms"], found["time_limit_from"]) == (1, "option")
    assert found["submissions"][0]["verdict"] == "TLE"
    assert any("no accepted submission" in warning for warning in found["warnings"])


def test_a_broken_validator_is_an_error_of_the_problem(verify: Verify, problem: Path) -> None:
    """The submission has no verdict, and the compiler output is shown."""
    (problem / "output_validators").mkdir()
    (problem / "output_validators" / "v.cpp").write_text("int main() { return undeclared; }")

    done = verify(str(problem), "-o", "json")

    assert done.returncode == 4
    (one,) = document(done)["submissions"]
    assert one["verdict"] is None
    assert "output validator failed to compile" in one["deviation"]
    assert "validator compiler: " in done.stderr
    assert "undeclared" in done.stderr


def test_a_problem_without_submissions_is_an_error(verify: Verify, problem: Path) -> None:
    """The error lists the folders of submissions."""
    shutil.rmtree(problem / "submissions")

    done = verify(str(problem))

    assert done.returncode == 78
    assert "the problem has no submissions" in done.stderr
    assert "wrong_answer" in done.stderr


class Endless:
    """
    A run of the command with a submission that never ends, in a sandbox of its own.

    Args:
        process: The command.
        temporary: Its directory for temporary files.
    """

    def __init__(self, process: subprocess.Popen[str], temporary: Path) -> None:
        self.process = process
        self.temporary = temporary

    def programs(self) -> list[int]:
        """Processes of the sandbox; `grader.sandbox.temporary` has the user ids."""
        first = 100_000 + 16 * self.process.pid
        return processes_of(range(first, first + 16))

    def wait_for_programs(self) -> None:
        """Until the submission and its child run; there is no event for that."""
        pause = threading.Event()
        while len(self.programs()) < 2:
            assert self.process.poll() is None, self.process.communicate()
            pause.wait(0.02)

    def end(self) -> tuple[int, list[str]]:
        """Wait for it; returns the exit code, and the messages without those of progress."""
        _, messages = self.process.communicate(timeout=300)
        lines = [line for line in messages.splitlines() if not line.startswith("judging")]
        assert self.programs() == []
        assert list(self.temporary.iterdir()) == []
        return self.process.returncode, lines


@pytest.fixture
def endless(problem: Path) -> Iterator[Callable[..., Endless]]:
    """Starts the command; all its temporary files are in a directory that box users can pass."""
    submission = problem / "submissions" / "accepted" / "accepted.py"
    submission.write_text("import os\nos.fork()\nwhile True: pass\n")
    environ = {name: value for name, value in os.environ.items() if name != "LAUNCHER_PATH"}
    with TemporaryDirectory(prefix="verify-") as name:
        temporary = Path(name)
        temporary.chmod(0o711)

        def start(*options: str) -> Endless:
            arguments = (*options, "problem", "verify", str(problem), "--time-limit", "60")
            process = subprocess.Popen(
                [sys.executable, "-m", "gradectl.cli", *arguments],
                env={**environ, "TMPDIR": name, "PYTHONPATH": str(REPOSITORY)},
                cwd=problem,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            return Endless(process, temporary)

        yield start


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([signal.SIGINT, signal.SIGINT, signal.SIGINT], 130), ([signal.SIGTERM], 143)],
    ids=["ctrl-c-thrice", "sigterm"],
)
def test_an_interrupted_verification_leaves_nothing(
    endless: Callable[..., Endless], numbers: list[signal.Signals], code: int
) -> None:
    """One line, and at once: no process, no box, no file."""
    run = endless()
    run.wait_for_programs()
    for number in numbers:
        run.process.send_signal(number)

    assert run.end() == (code, [f"error:   stopped by {numbers[0].name}"])


def test_a_verification_ends_at_its_timeout(endless: Callable[..., Endless]) -> None:
    """The interrupted program has no verdict, and nothing is left of it."""
    code, lines = endless("--timeout", "4").end()

    assert (code, lines[0]) == (124, "error:   the --timeout expired")
    assert len(lines) == 2
