"""Reads problems from the bucket, without the contents of test cases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from grader.contract.bucket import problem_prefix
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.ports.stores import ObjectStore
from grader.problems import package
from grader.problems.model import Problem, StoredFile, ValidatorFiles
from grader.problems.output_validators import MAX_SOURCES_BYTES, compile_command, file_names


@dataclass(frozen=True)
class ValidatorSources:
    """
    An output validator with the content of its files.

    Args:
        files: The validator.
        contents: File contents by file name.
    """

    files: ValidatorFiles
    contents: Mapping[str, bytes]

    def fingerprint(self) -> str:
        """Digest of the compile command and all files; a cache key."""
        digest = hashlib.sha256(repr(compile_command(self.files, "")).encode())
        for name, content in sorted(self.contents.items()):
            digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def load_problem(store: ObjectStore, problem_id: str, cases_prefix: str) -> Problem:
    """
    Read the problem of a request.

    Args:
        store: The grading bucket.
        problem_id: Problem that defines settings and checker.
        cases_prefix: Prefix of the test cases; usually below the problem.

    Raises:
        RequestError: The problem cannot be graded; the message has the reason.
        TemporaryError: The store cannot be reached.
    """
    listing = list_problem(store, problem_id, cases_prefix)
    contents = {
        file.key: _get(store, file.key, package.MAX_YAML_BYTES) for file in listing.settings_files()
    }
    return package.read(listing, contents)


def list_problem(store: ObjectStore, problem_id: str, cases_prefix: str) -> package.Listing:
    """List the objects of a problem; arguments as for `load_problem`."""
    root, cases = problem_prefix(problem_id), cases_prefix.removesuffix("/") + "/"
    prefixes = [root] if cases.startswith(root) else [root, cases]
    files = tuple(
        StoredFile(found.key, found.size_bytes, found.etag)
        for prefix in prefixes
        for found in store.list(prefix)
    )
    return package.Listing(root, cases, files)


def load_validator(store: ObjectStore, validator: ValidatorFiles) -> ValidatorSources:
    """Read the sources of a problem's validator; raises like `load_problem`."""
    contents = (_get(store, file.key, MAX_SOURCES_BYTES) for file in validator.files)
    return ValidatorSources(validator, dict(zip(file_names(validator), contents, strict=True)))


def _get(store: ObjectStore, key: str, limit: int) -> bytes:
    try:
        return store.get(key, max_bytes=limit)
    except (ObjectNotFoundError, ObjectTooLargeError) as error:
        raise RequestError(
            ErrorCode.PROBLEM_INVALID, f"{key} cannot be read: {error.what}"
        ) from None
