"""Bringing problems from a folder into the bucket."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gradectl.core.problem_check import Layout, arrange, check_problem, check_problem_id
from gradectl.errors import ConfigurationError, UsageError
from gradectl.problem_files import find_files
from grader.contract.bucket import description_key, problem_prefix
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.verdicts import ErrorCode
from grader.ports.stores import ObjectStore
from grader.problems import model as contract
from grader.problems.findings import Findings
from grader.problems.output_validators import VALIDATOR_DIRECTORIES
from grader.problems.package import Listing, examine

_UPLOADS_AT_ONCE = 8


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
    layout: Layout
    files: dict[str, Path]
    content: contract.Problem
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many test cases it has."""
        return len(self.content.cases)


@dataclass(frozen=True)
class PushPlan:
    """What brings the bucket to what is on disk; all are object keys."""

    upload: tuple[str, ...]
    unchanged: tuple[str, ...]
    remove: tuple[str, ...]  # what the judge would still read, and is no longer on disk


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


def plan_push(store: ObjectStore, problem: Problem) -> PushPlan:
    """Compare the bucket with the disk, by content."""
    prefix = problem_prefix(problem.problem_id)
    stored = {found.key: found.etag for found in store.list(prefix)}
    same = {key for key, path in problem.files.items() if stored.get(key) == _md5(path)}
    judged = (
        cases_prefix(problem.problem_id),
        *(prefix + name for name in ("problem.yaml", *VALIDATOR_DIRECTORIES)),
    )
    gone = [key for key in stored if key.startswith(judged) and key not in problem.files]
    return PushPlan(
        upload=tuple(key for key in problem.files if key not in same),
        unchanged=tuple(key for key in problem.files if key in same),
        remove=tuple(gone),
    )


def push(
    store: ObjectStore, problem: Problem, plan: PushPlan, progress: Callable[[int], None]
) -> None:
    """
    Carry a plan out: first what is new, then what has to go.

    Args:
        store: The grading bucket.
        problem: What the plan was made for.
        plan: What `plan_push` said.
        progress: Told how many files are up, after each.
    """

    def upload(key: str) -> None:
        store.upload(key, problem.files[key], content_type="text/plain; charset=utf-8")

    pool = ThreadPoolExecutor(_UPLOADS_AT_ONCE)
    try:
        for done, _ in enumerate(pool.map(upload, plan.upload), 1):
            progress(done)
    finally:
        pool.shutdown(cancel_futures=True)
    if plan.remove:
        store.delete(plan.remove)


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


def _md5(path: Path) -> str:
    """Give what S3 gives as the ETag of an object that was put in one piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
