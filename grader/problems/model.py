"""
The model of a problem: its cases, groups, settings and checker.

Pure frozen data.  `grader.problems.package` creates it from a listing of the bucket and a few small
YAML files, without the contents of test cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aggregation(StrEnum):
    """How to compute a group's points from those of its cases and subgroups."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "avg"
    ALL_OR_NOTHING = "pass-fail"  # all points when every case was accepted, else none


@dataclass(frozen=True)
class StoredFile:
    """An object of the bucket; the ETag changes with the content."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class CaseFiles:
    """
    One test case.

    Args:
        name: Path of its files below the test cases, without extension.
        input: Input of the submission.
        answer: Answer for the checker.
        group: Its group, a directory; empty: the root.
        flags: Flags of the output validator or the built-in comparison.
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
    A directory of test cases, and its scoring.

    Args:
        name: Path below the test cases; empty for the root, which every problem has.
        aggregation: How to compute its points.
        stop_at_reject: Whether to skip the rest of it after a case or subgroup was not accepted.
        accept_points: Points of an accepted case directly in it, unless the checker gives points.
        reject_points: Points of another case directly in it.
        least_points: Minimum points.
        most_points: Maximum, and full, points; None: the sum of what its members can give.
        counts: Whether it affects verdict and score; samples may not.
        require_pass: Groups that must be accepted completely before it runs.
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
    The output validator of a problem.

    Args:
        name: Its name in the package.
        language: `python`, `c` or `cpp`.
        entry: The file to run, if the language is not compiled.
        files: All its files, including headers and modules, in one directory.
    """

    name: str
    language: str
    entry: str
    files: tuple[StoredFile, ...]


@dataclass(frozen=True)
class ProblemSettings:
    """
    Settings of problem.yaml; None: not set, the worker's default applies.

    A worker takes the time and memory limits from the request. Those of problem.yaml are used by
    `gradectl problem verify`, and by the HTTP API for the requests that it makes.

    Args:
        title: Name of the problem.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
        output_limit_mb: Maximum output of a submission, MB.
        source_limit_kb: Maximum size of a source, kB.
        compile_time_ms: CPU time limit of the compiler, ms.
        compile_memory_mb: Memory limit of the compiler, MB.
        check_time_ms: CPU time limit of the output validator per case, ms.
        check_memory_mb: Memory limit of the output validator, MB.
        check_output_mb: Maximum size of each file that the output validator writes, MB.
        case_sensitive: Whether upper and lower case differ, unless a flag sets it.
        custom_scores: Whether the output validator gives points.
        gives_points: Whether results show points per case; else only the total in percent.
        writable: Whether a submission may create files.
        accepted_factor: Minimum ratio of the time limit to the slowest accepted run.
        too_slow_factor: Minimum ratio of a too slow run to the time limit.
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
        cases: Cases in the order of their runs.
        groups: All directories with cases below them, parents first; the first is the root.
        settings: Settings of problem.yaml.
        validator: The output validator; None: the built-in comparison.
    """

    cases: tuple[CaseFiles, ...]
    groups: tuple[Group, ...] = (Group(),)
    settings: ProblemSettings = ProblemSettings()
    validator: ValidatorFiles | None = None
