"""
Finds test cases among the objects below a prefix, and sorts them; pure.

A case is ``<name>.in`` with ``<name>.ans`` or ``<name>.out``, also in subdirectories.  Cases are in
natural order (2 before 10), as in the packages of other judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.contract.verdicts import ErrorCode
from grader.problems.findings import PackageReport
from grader.problems.model import CaseFiles, StoredFile

INPUT = ".in"
ANSWERS = (".ans", ".out")  # the first that exists counts


def find_cases(
    prefix: str, files: Iterable[StoredFile], findings: PackageReport
) -> list[CaseFiles]:
    """
    Find the test cases among objects.

    Args:
        prefix: Prefix of the keys of test cases; other objects are ignored.
        files: The objects, in any order.
        findings: Receives an error if there is no case, or a case without an answer.
    """
    present = {file.key: file for file in files if file.key.startswith(prefix)}
    inputs = [file for key, file in present.items() if key.endswith(INPUT)]
    if not inputs:
        findings.error(f"no test case (*.in) below {prefix}", ErrorCode.TEST_CASES_NOT_FOUND)
    paired = (_pair_one(prefix, file, present, findings) for file in inputs)
    return sorted(
        (case for case in paired if case is not None), key=lambda case: natural_key(case.name)
    )


def _pair_one(
    prefix: str, found: StoredFile, present: dict[str, StoredFile], findings: PackageReport
) -> CaseFiles | None:
    stem = found.key.removesuffix(INPUT)
    name = stem.removeprefix(prefix)
    for ending in ANSWERS:
        if answer := present.get(stem + ending):
            return CaseFiles(name, found, answer, group=name.rpartition("/")[0])
    wanted = " or ".join(stem + ending for ending in ANSWERS)
    findings.error(f"{found.key} has no answer: {wanted}", ErrorCode.TEST_CASES_NOT_FOUND)
    return None


def natural_key(name: str) -> list[list[tuple[int, str]]]:
    """Sort key: by directory, then with each sequence of digits as a number."""
    return [
        [(int(part), part) if part.isdecimal() and part.isascii() else (-1, part) for part in parts]
        for parts in (re.split(r"([0-9]+)", segment) for segment in name.split("/"))
    ]
