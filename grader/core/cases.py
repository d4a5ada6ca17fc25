"""
Which objects below a prefix are test cases, and in which order; pure.

A case is ``<name>.in`` with ``<name>.ans`` or ``<name>.out``, also in directories below, in
natural order (2 before 10), as in the packages of other judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError

_INPUT = ".in"
_ANSWERS = (".ans", ".out")  # the first that exists counts


@dataclass(frozen=True)
class CaseFiles:
    """Object keys of one test case, and its name below the prefix."""

    name: str
    input_key: str
    answer_key: str


def pair(prefix: str, keys: Iterable[str]) -> list[CaseFiles]:
    """
    Find the test cases among object keys.

    Args:
        prefix: What all keys begin with.
        keys: The keys, in any order.

    Raises:
        RequestError: There is no case, or one without an answer.
    """
    present = set(keys)
    cases = [_pair_one(prefix, key, present) for key in present if key.endswith(_INPUT)]
    if not cases:
        raise RequestError(ErrorCode.TEST_CASES_NOT_FOUND, f"no test case (*.in) below {prefix}")
    return sorted(cases, key=lambda case: natural_key(case.name))


def _pair_one(prefix: str, input_key: str, present: set[str]) -> CaseFiles:
    stem = input_key.removesuffix(_INPUT)
    for ending in _ANSWERS:
        if stem + ending in present:
            return CaseFiles(stem.removeprefix(prefix), input_key, stem + ending)
    wanted = " or ".join(stem + ending for ending in _ANSWERS)
    raise RequestError(ErrorCode.TEST_CASES_NOT_FOUND, f"{input_key} has no answer: {wanted}")


def natural_key(name: str) -> list[list[tuple[int, str]]]:
    """Sort key by directory, then with each run of digits taken as a number."""
    return [
        [(int(part), part) if part.isdecimal() and part.isascii() else (-1, part) for part in parts]
        for parts in (re.split(r"([0-9]+)", segment) for segment in name.split("/"))
    ]
