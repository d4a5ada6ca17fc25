"""Bringing problems from a folder into the bucket."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gradectl.errors import ConfigurationError, UsageError
from gradectl.problems.files import find_files
from gradectl.problems.layout import ProblemLayout, arrange, check_problem, check_problem_id
from grader.contract.bucket import description_key, problem_prefix
from grader.contract.verdicts import ErrorCode
from grader.problems import model as contract
from grader.problems.findings import Findings
from grader.problems.package import Listing, examine


@dataclass(frozen=True)
class Problem:
    """
    A problem on disk that was found good.

    Args:
        problem_id: What requests will call it.
        layout: How it lies on disk.
        files: Object key to path; what the bucket gets.
        content: What the worker will make of them.
        warnings: What its author should know; a line each.
        left_out: Paths below the folder of what is there for people only.
    """

    problem_id: str
    layout: ProblemLayout
    files: dict[str, Path]
    content: contract.Problem
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many test cases it has."""
        return len(self.content.cases)


def read_problem(directory: Path, problem_id: str | None = None) -> Problem:
    """
    Read and check the problem in a folder; either layout will do.

    Args:
        directory: Holds description.md and testcases/, or a Kattis package; hidden files do not
            count.
        problem_id: By default the folder's name.

    Raises:
        UsageError: The id is not one.
        ConfigurationError: The problem could not be graded; lists all that is wrong.
    """
    chosen = problem_id or directory.resolve().name
    if complaint := check_problem_id(chosen):
        raise UsageError(complaint, where="--id", next_step="--id NAME")
    found = find_files(directory)
    arrangement = arrange(found.sizes)
    root = problem_prefix(chosen)
    files = {root + target: directory / path for target, path in arrangement.objects.items()}
    findings = Findings()
    content = _examine(root, files, findings) if not found.refused else None
    lines = [*found.refused, *check_problem(found.sizes)]
    lines += [one.text for one in findings.errors if one.code is ErrorCode.PROBLEM_INVALID]
    if content is None or lines:
        hint = "correct these files and push again; nothing was uploaded"
        raise ConfigurationError("\n".join(lines), where=str(directory), next_step=hint)
    if description_key(chosen) not in files:
        findings.warn("no statement; description.md, or problem.en.md in statement/, is shown")
    return Problem(
        problem_id=chosen,
        layout=arrangement.layout,
        files=files,
        content=content,
        warnings=tuple(findings.warnings),
        left_out=arrangement.left_out,
    )


def describe(found: Problem) -> dict[str, object]:
    """Say what kind of problem was found."""
    validator = found.content.validator
    return {
        "layout": str(found.layout),
        "cases": found.cases,
        "groups": [group.name for group in found.content.groups if group.name],
        "checker": f"{validator.name} ({validator.language})" if validator else "built in",
        "scoring": found.content.settings.gives_points,
        "warnings": list(found.warnings),
        "left_out": list(found.left_out),
    }


def list_files(root: str, files: Mapping[str, Path]) -> Listing:
    """List a problem on disk as the bucket would; the ETags are left out."""
    stored = (contract.StoredFile(key, path.stat().st_size, "") for key, path in files.items())
    return Listing(root, root + "testcases/", tuple(stored))


def _examine(root: str, files: Mapping[str, Path], findings: Findings) -> contract.Problem:
    """Have the worker's own reading of the problem."""
    listing = list_files(root, files)
    contents = {file.key: files[file.key].read_bytes() for file in listing.settings_files()}
    problem = examine(listing, contents, findings)
    if problem.validator and problem.validator.language == "python":
        for source in problem.validator.files:
            _check_python(files[source.key], source.key.removeprefix(root), findings)
    return problem


def _check_python(path: Path, name: str, findings: Findings) -> None:
    """A validator that cannot even be read fails every submission."""
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        findings.error(f"{name}: line {line}: {getattr(error, 'msg', error)}")
