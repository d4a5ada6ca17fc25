"""Uploads a problem into the bucket, and removes objects that its folder no longer has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gradectl.problems.package import ProblemPackage
from grader.contract.bucket import problem_prefix
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.ports.stores import ObjectStore
from grader.problems.output_validators import VALIDATOR_DIRECTORIES

_UPLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class PushPlan:
    """The object keys to upload and to remove, so that the bucket matches the folder."""

    upload: tuple[str, ...]
    unchanged: tuple[str, ...]
    remove: tuple[str, ...]  # read by the judge, and no longer on disk


def plan_push(store: ObjectStore, problem: ProblemPackage) -> PushPlan:
    """Compare the bucket with the folder, by content."""
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
    store: ObjectStore, problem: ProblemPackage, plan: PushPlan, progress: Callable[[int], None]
) -> None:
    """
    Carry out a plan: uploads first, then removals.

    Args:
        store: The grading bucket.
        problem: The problem of the plan.
        plan: The result of `plan_push`.
        progress: Called after each upload with the number of uploaded files.
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


def _md5(path: Path) -> str:
    """Return the ETag that S3 gives an object uploaded in one part."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
