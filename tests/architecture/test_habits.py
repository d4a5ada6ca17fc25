"""House rules that no linter knows; a failure lists `file:line: what` for each place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SOURCES = sorted([*(ROOT / "grader").rglob("*.py"), *(ROOT / "gradectl").rglob("*.py")])
MAX_FUNCTION_LINES = 50
#: Split, because this file is a test too.
FORBIDDEN = ("mock.pat" + "ch", "monkeypatch.seta" + "ttr", "time.sle" + "ep(", "pytest.sk" + "ip")
_BARE_EXCEPTION = re.compile(r"# (noqa|type: ignore)(\[[\w, -]+\]|: [\w, ]+)?\s*$")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in nodes(path) if isinstance(node, ast.FunctionDef))


def place(path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{line}: {what}"


def test_every_test_has_a_docstring_with_its_rule() -> None:
    """The docstrings of the tests are the specification."""
    assert [
        place(path, node.lineno, node.name)
        for path in TESTS
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ] == []


def test_no_test_patches_our_code_or_waits_by_the_clock() -> None:
    """What a test needs is injected, and what it waits for is an event."""
    assert [
        place(path, number, name)
        for path in TESTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for name in FORBIDDEN
        if name in line
    ] == []


def test_a_function_fits_a_screen() -> None:
    """Files follow concepts and may be long; a function of more lines does two things."""
    assert [
        place(path, node.lineno, f"{node.name} has {length} lines, more than {MAX_FUNCTION_LINES}")
        for path in SOURCES
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno) > MAX_FUNCTION_LINES
    ] == []


def test_every_lint_exception_has_its_reason() -> None:
    """Without a reason it cannot be told from a mistake."""
    assert [
        place(path, number, line.strip())
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _BARE_EXCEPTION.search(line)
    ] == []


def test_errors_of_one_package_form_one_tree() -> None:
    """A caller can catch all of a package's errors by its one root."""
    roots = {"grader": "GraderError", "gradectl": "GradectlError"}
    assert [
        place(path, node.lineno, f"{node.name} is not a {roots[path.relative_to(ROOT).parts[0]]}")
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        and node.name not in roots.values()
        and any(isinstance(base, ast.Name) and base.id == "Exception" for base in node.bases)
    ] == []
