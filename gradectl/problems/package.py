"""Reads and checks the problem package in a folder."""

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
from grader.problems.findings import PackageReport
from grader.problems.model import Problem, StoredFile
from grader.problems.package import Listing, examine


@dataclass(frozen=True)
class ProblemPackage:
    """
    A problem on disk that passed all checks.

    Args:
        problem_id: Its id in requests.
        layout: The layout on disk.
        files: Object key to path, for the files to upload.
        content: The problem as a worker reads it.
        warnings: Lines for its author.
        left_out: Files for people, relative to the folder, which are not uploaded.
    """

    problem_id: str
    layout: ProblemLayout
    files: dict[str, Path]
    content: Problem
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """The number of test cases."""
        return len(self.content.cases)


def read_problem(directory: Path, problem_id: str | None = None) -> ProblemPackage:
    """
    Read and check the problem in a folder.

    Args:
        directory: Has description.md and testcases/, or is a Kattis package; hidden files are
            ignored.
        problem_id: By default the folder's name.

    Raises:
        UsageError: The id is invalid.
        ConfigurationError: The problem cannot be graded; lists all findings.
    """
    chosen = problem_id or directory.resolve().name
    if finding := check_problem_id(chosen):
        raise UsageError(finding, where="--id", next_step="--id NAME")
    found = find_files(directory)
    arrangement = arrange(found.sizes)
    root = problem_prefix(chosen)
    files = {root + target: directory / path for target, path in arrangement.objects.items()}
    findings = PackageReport()
    content = _examine(root, files, findings) if not found.rejected else None
    lines = [*found.rejected, *check_problem(found.sizes)]
    lines += [one.text for one in findings.errors if one.code is ErrorCode.PROBLEM_INVALID]
    if content is None or lines:
        hint = "fix these files and push again; nothing was uploaded"
        raise ConfigurationError("\n".join(lines), where=str(directory), next_step=hint)
    if description_key(chosen) not in files:
        findings.warn("no statement: add description.md, or statement/problem.en.md in a package")
    return ProblemPackage(
        problem_id=chosen,
        layout=arrangement.layout,
        files=files,
        content=content,
        warnings=tuple(findings.warnings),
        left_out=arrangement.left_out,
    )


def describe(package: ProblemPackage) -> dict[str, object]:
    """Summarize a problem for the documents of commands."""
    validator = package.content.validator
    return {
        "layout": str(package.layout),
        "cases": package.cases,
        "groups": [group.name for group in package.content.groups if group.name],
        "checker": f"{validator.name} ({validator.language})" if validator else "built in",
        "scoring": package.content.settings.gives_points,
        "warnings": list(package.warnings),
        "left_out": list(package.left_out),
    }


def list_files(root: str, files: Mapping[str, Path]) -> Listing:
    """Return the listing of a problem as the bucket would have it, without ETags."""
    stored = (StoredFile(key, path.stat().st_size, "") for key, path in files.items())
    return Listing(root, root + "testcases/", tuple(stored))


def _examine(root: str, files: Mapping[str, Path], findings: PackageReport) -> Problem:
    """Read the problem with the code of the worker."""
    listing = list_files(root, files)
    contents = {file.key: files[file.key].read_bytes() for file in listing.settings_files()}
    problem = examine(listing, contents, findings)
    if problem.validator and problem.validator.language == "python":
        for source in problem.validator.files:
            _check_python(files[source.key], source.key.removeprefix(root), findings)
    return problem


def _check_python(path: Path, name: str, findings: PackageReport) -> None:
    """Check the syntax of a validator, because an unreadable one fails every submission."""
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        findings.error(f"{name}: line {line}: {getattr(error, 'msg', error)}")
