"""What is asked of the sandbox for each run of a submission."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from grader.judge.program import Program
from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec, StopReason

LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=True,
)
OUTCOME = RunOutcome(StopReason.ENDED, 0, 0, 1000, 2000, 3000)


class RecordingBox:
    """A box that records its calls, and writes output like a program."""

    def __init__(self) -> None:
        """Nothing was asked for."""
        self.asked: list[tuple[str, object]] = []
        self.stderr = b""

    def run(self, spec: RunSpec) -> RunOutcome:
        """Write the files of a run, from their start."""
        self.asked.append(("run", spec))
        for path, content in ((spec.stdout, b"out"), (spec.stderr, self.stderr)):
            path.write_bytes(content)
        return OUTCOME

    def warm_up(self, spec: RunSpec) -> None:
        """Remember it."""
        self.asked.append(("warm up", spec))


@pytest.fixture
def box() -> RecordingBox:
    """A recording box."""
    return RecordingBox()


@pytest.fixture
def program(box: RecordingBox, tmp_path: Path) -> Program:
    """A Python program in that box."""
    return Program(cast(Box, box), find("python"), LIMITS, tmp_path)


def test_a_program_runs_as_often_as_wanted(program: Program, box: RecordingBox) -> None:
    """Each time with another input; what it writes is where it was."""
    for name in ("one", "two"):
        assert program.run(Path(name)) == OUTCOME

    specs = [cast(RunSpec, spec) for _, spec in box.asked]
    assert [spec.stdin for spec in specs] == [Path("one"), Path("two")]
    assert {spec.role for spec in specs} == {Role.RUN}
    assert {spec.limits for spec in specs} == {LIMITS}
    assert program.stdout.read_bytes() == b"out"


def test_a_warm_interpreter_is_the_one_that_will_run(program: Program, box: RecordingBox) -> None:
    """What is started ahead of time fits every run."""
    program.warm_up()
    program.run(Path("one"))

    (_, ahead), (_, spec) = box.asked
    assert isinstance(spec, RunSpec)
    assert spec.server_argv == find("python").server_argv
    assert ahead == replace(spec, stdin=Path("/dev/null"))


@pytest.mark.parametrize(("language", "warm"), [("python", False), ("c", True)])
def test_nothing_is_warm_where_it_may_or_can_not_be(
    program: Program, box: RecordingBox, language: str, *, warm: bool
) -> None:
    """By the settings, or because the language has no server."""
    cold = replace(program, language=find(language), warm=warm)
    cold.warm_up()
    cold.run(Path("one"))

    ((what, spec),) = box.asked
    assert what == "run"
    assert cast(RunSpec, spec).server_argv == ()


def test_a_program_that_may_make_files_is_run_as_such(program: Program, box: RecordingBox) -> None:
    """The box then gives it a working directory without files of another case."""
    replace(program, writable=True).run(Path("one"))

    ((what, spec),) = box.asked
    assert what == "run"
    assert cast(RunSpec, spec).writable


def test_want_of_memory_is_seen_at_both_ends_of_what_was_said(
    program: Program, box: RecordingBox
) -> None:
    """Some runtimes say it first of all, others last."""
    padding = b"x" * 10_000
    seen = []
    for words in (b"MemoryError" + padding, padding + b"MemoryError", padding):
        box.stderr = words
        program.run(Path("one"))
        seen.append(program.was_refused_memory())

    assert seen == [True, True, False]


def test_only_the_last_words_are_kept(program: Program, box: RecordingBox) -> None:
    """However much a program says."""
    box.stderr = b"x" * 10_000 + b"last"
    program.run(Path("one"))

    assert program.stderr_tail().endswith(b"xlast")
    assert len(program.stderr_tail()) == 4096
