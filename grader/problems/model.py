"""
What a problem is to the judge: its cases, how they are grouped and counted, and its checker.

Pure frozen data.  `grader.problems.package` makes it from a listing of the bucket and a few small
YAML files; no content of a test case is ever part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aggregation(StrEnum):
    """How the points of a group follow from those of its cases and of the groups in it."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "avg"
    ALL_OR_NOTHING = "pass-fail"  # all points when every case was accepted, else none


@dataclass(frozen=True)
class StoredFile:
    """An object of the bucket; the ETag changes whenever its content does."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class CaseFiles:
    """
    One test case.

    Args:
        name: Path of its files below the test cases, without their ending.
        input: What the submission reads.
        answer: What the checker compares with.
        group: The group it counts in, a directory; empty: the root.
        flags: Arguments for the output validator, or for the built-in comparison.
    """

    name: str
    input: StoredFile
    answer: StoredFile
    group: str = ""
    flags: tuple[str, ...] = ()

    @property
    def input_key(self) -> str:
        """Object key of the input."""
        return self.input.key

    @property
    def answer_key(self) -> str:
        """Object key of the answer."""
        return self.answer.key


@dataclass(frozen=True)
class Group:
    """
    A directory of test cases, and how it counts.

    Args:
        name: Path below the test cases; empty for the root, which every problem has.
        aggregation: How its points follow from those of what is in it.
        stop_at_reject: Nothing more of it is run once a case or a group in it was not accepted.
        accept_points: Of an accepted case directly in it, unless the checker says otherwise.
        reject_points: Of a case directly in it that was not accepted.
        least_points: What it is raised to.
        most_points: What it is cut to, and its full points; None: what its members can give.
        counts: Whether it has a say in verdict and score; samples may be for show only.
        require_pass: Groups that must have been accepted wholly, or it is not run.
    """

    name: str = ""
    aggregation: Aggregation = Aggregation.SUM
    stop_at_reject: bool = False
    accept_points: float = 1.0
    reject_points: float = 0.0
    least_points: float = float("-inf")
    most_points: float | None = None
    counts: bool = True
    require_pass: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidatorFiles:
    """
    The program that judges outputs.

    Args:
        name: What the package calls it.
        language: `python`, `c` or `cpp`.
        entry: The file that is run, where the language is not compiled.
        files: All its files; headers and modules lie beside those that need them.
    """

    name: str
    language: str
    entry: str
    files: tuple[StoredFile, ...]


@dataclass(frozen=True)
class ProblemSettings:
    """
    What problem.yaml says; None where it says nothing and the worker's own value holds.

    Time and memory of a submission come from the request.  What is said of them here is what
    `gradectl problem verify` judges by.

    Args:
        title: The problem's name.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
        output_limit_mb: MB that a submission may write.
        source_limit_kb: kB that its source may have.
        compile_time_ms: CPU milliseconds of the compiler.
        compile_memory_mb: MB of the compiler.
        check_time_ms: CPU milliseconds of the output validator, per case.
        check_memory_mb: MB of the output validator.
        check_output_mb: MB that the output validator may write into any one file.
        case_sensitive: Whether upper and lower case differ, where the flags do not say.
        custom_scores: Whether the output validator gives points.
        gives_points: Whether points are shown by case; else only their share in percent.
        writable: Whether a submission may make files.
        accepted_factor: The time limit is at least this many times the slowest accepted run.
        too_slow_factor: A run that is too slow takes at least this many times the time limit.
    """

    title: str = ""
    time_limit_ms: int | None = None
    memory_limit_mb: int | None = None
    output_limit_mb: int | None = None
    source_limit_kb: int | None = None
    compile_time_ms: int | None = None
    compile_memory_mb: int | None = None
    check_time_ms: int | None = None
    check_memory_mb: int | None = None
    check_output_mb: int | None = None
    case_sensitive: bool = True
    custom_scores: bool = False
    gives_points: bool = False
    writable: bool = False
    accepted_factor: float = 2.0
    too_slow_factor: float = 1.5


@dataclass(frozen=True)
class Problem:
    """
    A problem that can be graded.

    Args:
        cases: In the order they are run.
        groups: Every directory that has cases below it, parents first; the root is the first.
        settings: What problem.yaml says.
        validator: The custom checker; None: the built-in comparison.
    """

    cases: tuple[CaseFiles, ...]
    groups: tuple[Group, ...] = (Group(),)
    settings: ProblemSettings = ProblemSettings()
    validator: ValidatorFiles | None = None
