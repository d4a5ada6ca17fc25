"""Bringing problems from a folder into the bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gradectl.core.problem_check import check_problem, check_problem_id, object_key
from gradectl.errors import ConfigurationError, UsageError
from grader.contract.layout import test_cases_prefix as cases_prefix
from grader.ports import ObjectStore

_UPLOADS_AT_ONCE = 8
_PROBLEM_FILES = ("description.md", "testcases/**/*")


@dataclass(frozen=True)
class Problem:
    """A problem on disk that was found good; `files` is object key to path."""

    problem_id: str
    files: dict[str, Path]

    @property
    def cases(self) -> int:
        """How many test cases it has."""
        return sum(path.suffix == ".in" for path in self.files.values())


@dataclass(frozen=True)
class PushPlan:
    """What brings the bucket to what is on disk; all are object keys."""

    upload: tuple[str, ...]
    unchanged: tuple[str, ...]
    remove: tuple[str, ...]  # test cases that are no longer on disk


def read_problem(directory: Path, problem_id: str | None = None) -> Problem:
    """
    Read and check the problem in a folder.

    Args:
        directory: Holds description.md and testcases/; hidden files do not count.
        problem_id: By default the folder's name.

    Raises:
        UsageError: The id is not one.
        ConfigurationError: The problem could not be graded; lists all that is wrong.
    """
    chosen = problem_id or directory.resolve().name
    if complaint := check_problem_id(chosen):
        raise UsageError(complaint, where="--id", next_step="--id NAME")
    found = [path for pattern in _PROBLEM_FILES for path in sorted(directory.glob(pattern))]
    files = {
        path.relative_to(directory).as_posix(): path
        for path in found
        if path.is_file() and not path.name.startswith(".")
    }
    findings = [f"{name}: a link" for name, path in files.items() if path.is_symlink()]
    findings += check_problem({name: path.stat().st_size for name, path in files.items()})
    if findings:
        text = "\n".join(findings)
        hint = "correct these files and push again; nothing was uploaded"
        raise ConfigurationError(text, where=str(directory), next_step=hint)
    return Problem(chosen, {object_key(chosen, name): path for name, path in files.items()})


def plan_push(store: ObjectStore, problem: Problem) -> PushPlan:
    """Compare the bucket with the disk, by content."""
    prefix = f"problems/{problem.problem_id}/"
    stored = {found.key: found.etag for found in store.list(prefix)}
    same = {key for key, path in problem.files.items() if stored.get(key) == _md5(path)}
    cases = cases_prefix(problem.problem_id)
    gone = [key for key in stored if key.startswith(cases) and key not in problem.files]
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
        body = problem.files[key].read_bytes()
        store.put(key, body, content_type="text/plain; charset=utf-8")

    pool = ThreadPoolExecutor(_UPLOADS_AT_ONCE)
    try:
        for done, _ in enumerate(pool.map(upload, plan.upload), 1):
            progress(done)
    finally:
        pool.shutdown(cancel_futures=True)
    if plan.remove:
        store.delete(plan.remove)


def _md5(path: Path) -> str:
    """Give what S3 gives as the ETag of an object that was put in one piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
