"""Is a folder a problem that can be graded? Pure: it looks at names and sizes only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from grader.contract import layout

DESCRIPTION = "description.md"
CASES = "testcases"
#: The worker refuses larger test case files.
MAX_CASE_BYTES = 256 << 20
_ANSWERS = (".ans", ".out")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def check_problem_id(problem_id: str) -> str:
    """Say what is wrong with a problem's id; nothing when it is good."""
    if _PLAIN.fullmatch(problem_id):
        return ""
    return (
        f"{problem_id!r} cannot be a problem id: letters, digits, '.', '_' and '-', "
        "not beginning with '.' or '-', at most 128"
    )


def check_problem(files: Mapping[str, int]) -> list[str]:
    """
    Find everything that is wrong with a problem.

    Args:
        files: Path below the problem's folder, with slashes, to size in bytes.

    Returns:
        One line for each finding, in the order of the paths.
    """
    findings = []
    if not files.get(DESCRIPTION):
        findings.append(f"{DESCRIPTION}: missing or empty")
    paths = [PurePosixPath(path) for path in sorted(files)]
    cases = [path for path in paths if path.parts[0] == CASES]
    if not any(path.suffix == ".in" for path in cases):
        findings.append(f"{CASES}: no test case; a case is NAME.in with NAME.ans or NAME.out")
    for path in cases:
        findings += [f"{path}: {what}" for what in _findings(path, files)]
    return findings


def object_key(problem_id: str, path: str) -> str:
    """Where a file of a problem lies in the bucket."""
    if path == DESCRIPTION:
        return layout.description_key(problem_id)
    return layout.test_cases_prefix(problem_id) + path.removeprefix(f"{CASES}/")


def _findings(path: PurePosixPath, files: Mapping[str, int]) -> list[str]:
    """Find what is wrong with one file below testcases/."""
    found = []
    if not all(_PLAIN.fullmatch(part) for part in path.parts):
        found.append("not a plain name: letters, digits, '.', '_' and '-' only")
    if files[str(path)] > MAX_CASE_BYTES:
        found.append(f"larger than {MAX_CASE_BYTES >> 20} MiB")
    answers = [ending for ending in _ANSWERS if str(path.with_suffix(ending)) in files]
    if path.suffix == ".in":
        if not answers:
            found.append(f"has no answer: {path.stem}.ans or {path.stem}.out")
        elif len(answers) > 1:
            found.append(f"has two answers: {path.stem}.ans and {path.stem}.out")
    elif path.suffix not in _ANSWERS:
        found.append("neither .in, .ans nor .out")
    elif str(path.with_suffix(".in")) not in files:
        found.append(f"answers nothing: there is no {path.stem}.in")
    return found
