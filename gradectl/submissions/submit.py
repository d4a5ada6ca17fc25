"""Reads and checks what a submission on the command line needs."""

from __future__ import annotations

from pathlib import Path

from gradectl.errors import GradectlError, UsageError
from grader.client.submission import MAX_SOURCE_BYTES, Source
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.errors import RequestError
from grader.ports.stores import ObjectStore

_GIVE_A_SOURCE = "give the path of a source file"


def read_source_file(path: Path) -> Source:
    """
    Read a source file; its size is checked first.

    Raises:
        UsageError: It is not a file, empty, unreadable or too large.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or not 0 < size <= MAX_SOURCE_BYTES:
            raise _invalid_source(path, size)
        return Source(path.name, path.read_bytes())
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise UsageError(text, where=str(path), next_step=_GIVE_A_SOURCE) from error


def _invalid_source(path: Path, size: int) -> UsageError:
    """Return the error for an existing path that is not a valid source file."""
    if not path.is_file():
        return UsageError("not a regular file", where=str(path), next_step=_GIVE_A_SOURCE)
    if not size:
        return UsageError("the file is empty", where=str(path), next_step=_GIVE_A_SOURCE)
    text = f"{size} bytes; workers accept at most {MAX_SOURCE_BYTES}"
    return UsageError(text, where=str(path), next_step="move large data out of the program")


def invalid_option(error: RequestError) -> UsageError:
    """Return the error for an invalid value of a request; it names the option."""
    field, _, text = error.what.partition(": ")
    option = field.replace("_id", "").replace("_", "-")
    return UsageError(f"{option}: {text}", where="gradectl submit")


def check_problem_exists(store: ObjectStore, problem_id: str, environment: str) -> None:
    """
    Check that a problem has test cases.

    Raises:
        GradectlError: The bucket has no test case of the problem.
    """
    if next(iter(store.list(cases_prefix(problem_id))), None) is None:
        raise GradectlError(
            f"problem {problem_id!r} not found",
            where=f"{cases_prefix(problem_id)} in the bucket of {environment}",
            next_step=f"gradectl problem push -e {environment} DIRECTORY",
        )
