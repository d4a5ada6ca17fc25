"""Checks the file names and sizes of a problem, and maps them to object keys; pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from grader.problems.cases import ANSWERS, INPUT
from grader.problems.output_validators import VALIDATOR_DIRECTORIES
from grader.problems.package import GROUP_YAMLS, MAX_YAML_BYTES
from grader.problems.problem_yaml import PROBLEM_YAML

DESCRIPTION = "description.md"
CASES = "testcases"
DATA = "data"
SUBMISSIONS = "submissions"
#: Workers reject larger test case files.
MAX_CASE_BYTES = 256 << 20
#: An object key has at most 1,024 bytes; the rest is for the prefix.
_MAX_NAME_BYTES = 900
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DATA_FOLDERS = ("sample", "secret")
_STATEMENT_FOLDERS = ("statement", "problem_statement")
#: Files of a Kattis package that are for people and not for a judge.
_NOTES = (
    *(".hint", ".desc", ".png", ".jpg", ".jpeg", ".svg", ".interaction", ".statement"),
    *(".download", ".md", ".txt"),
)


class ProblemLayout(StrEnum):
    """The layout of a problem on disk."""

    OWN = "own"
    KATTIS = "Kattis"


@dataclass(frozen=True)
class Arrangement:
    """
    The object keys for the files of a problem.

    Args:
        layout: The layout on disk.
        objects: Path below the problem's prefix in the bucket, to path on disk.
        left_out: Files for people, which are not uploaded.
    """

    layout: ProblemLayout
    objects: Mapping[str, str]
    left_out: tuple[str, ...] = ()


def check_problem_id(problem_id: str) -> str:
    """Return what is wrong with a problem id; empty if it is valid."""
    if _PLAIN.fullmatch(problem_id):
        return ""
    return (
        f"{problem_id!r} is not a valid problem id: at most 128 letters, digits, '.', '_' and '-', "
        "not starting with '.' or '-'"
    )


def arrange(paths: Iterable[str]) -> Arrangement:
    """
    Detect the layout, and map each file to its place in the bucket.

    Args:
        paths: All files, relative to the problem's folder, with slashes.
    """
    present = dict.fromkeys(sorted(paths))
    kattis = any(path.startswith(f"{DATA}/") for path in present) and not any(
        path.startswith(f"{CASES}/") for path in present
    )
    layout = ProblemLayout.KATTIS if kattis else ProblemLayout.OWN
    objects: dict[str, str] = {}
    left_out = []
    for path in present:
        target = _target(path, layout)
        if target and layout is ProblemLayout.KATTIS and _is_note(path, present):
            left_out.append(path)
        elif target:
            objects.setdefault(target, path)
    statement = _statement(present) if DESCRIPTION not in objects else ""
    if layout is ProblemLayout.KATTIS and statement:
        objects[DESCRIPTION] = statement
    return Arrangement(layout, objects, tuple(left_out))


def check_problem(files: Mapping[str, int]) -> list[str]:
    """
    Check the names and sizes of a problem's files.

    Args:
        files: Path relative to the problem's folder, with slashes, to size in bytes.

    Returns:
        One line per finding, in the order of the paths.
    """
    arrangement = arrange(files)
    findings = []
    if arrangement.layout is ProblemLayout.OWN and not files.get(DESCRIPTION):
        findings.append(f"{DESCRIPTION}: missing or empty")
    folder = DATA if arrangement.layout is ProblemLayout.KATTIS else CASES
    cases = sorted(path for path in arrangement.objects.values() if path.startswith(f"{folder}/"))
    if not any(path.endswith(INPUT) for path in cases):
        findings.append(f"{folder}: no test case; a case is NAME.in with NAME.ans or NAME.out")
    for path in sorted(arrangement.objects.values()):
        found = _name_findings(path)
        if path.startswith(f"{folder}/") and not path.endswith(GROUP_YAMLS):
            found += _case_findings(PurePosixPath(path), files)
        elif path.endswith(".yaml") and files[path] > MAX_YAML_BYTES:
            found.append(f"larger than {MAX_YAML_BYTES >> 10} KiB")
        findings += [f"{path!r}: {what}" if not path.isprintable() else f"{path}: {what}"
                     for what in found]  # fmt: skip
    return findings


def _target(path: str, layout: ProblemLayout) -> str:
    """Return the path below the problem's prefix; empty if the file is not uploaded."""
    first, _, rest = path.partition("/")
    if path in (DESCRIPTION, PROBLEM_YAML) or f"{first}/" in VALIDATOR_DIRECTORIES:
        return path
    if layout is ProblemLayout.OWN:
        return path if first == CASES else ""
    inside = rest.partition("/")[0]
    if first == DATA and (inside in _DATA_FOLDERS or rest in GROUP_YAMLS):
        return f"{CASES}/{rest}"
    return ""


def _is_note(path: str, present: Container[str]) -> bool:
    """Return True for a file of a package's test data that a judge does not need."""
    if not path.startswith(f"{DATA}/"):
        return False
    answer = path.removesuffix(".out") + ".ans"  # with one, .out is only shown in the statement
    return path.endswith(_NOTES) or (path.endswith(".out") and answer in present)


def _statement(present: Iterable[str]) -> str:
    """Return a package's statement: Markdown before TeX, then English before other languages."""
    found = [
        path
        for path in present
        if path.startswith(tuple(f"{folder}/problem." for folder in _STATEMENT_FOLDERS))
        and path.endswith((".md", ".tex"))
    ]
    found.sort(key=lambda path: (not path.endswith(".md"), ".en." not in path, path))
    return found[0] if found else ""


def _name_findings(path: str) -> list[str]:
    """Check that a name is a readable object key that is safe in logs and command lines."""
    found = []
    for part in PurePosixPath(path).parts:
        if not part.isprintable():
            found.append("has control characters in its name")
        elif part.startswith("-"):
            found.append("starts with a dash, which programs read as an option")
        elif part != part.strip():
            found.append("starts or ends with a space")
    if len(path.encode(errors="replace")) > _MAX_NAME_BYTES:
        found.append(f"has a name of more than {_MAX_NAME_BYTES} bytes")
    return found


def _case_findings(path: PurePosixPath, files: Mapping[str, int]) -> list[str]:
    """Check one file among the test cases."""
    found = []
    if files[str(path)] > MAX_CASE_BYTES:
        found.append(f"larger than {MAX_CASE_BYTES >> 20} MiB")
    answers = [ending for ending in ANSWERS if str(path.with_suffix(ending)) in files]
    if path.suffix == INPUT:
        if not answers:
            found.append(f"answer file missing: {path.stem}.ans or {path.stem}.out")
        elif len(answers) > 1 and path.parts[0] == CASES:
            found.append(f"two answer files: {path.stem}.ans and {path.stem}.out")
    elif path.suffix == ".yaml":
        found.append("settings of a single case are not supported; those of a group are")
    elif path.suffix not in ANSWERS:
        found.append("not a test case file (.in, .ans, .out)")
    elif str(path.with_suffix(INPUT)) not in files:
        found.append(f"input file missing: {path.stem}.in")
    return found
