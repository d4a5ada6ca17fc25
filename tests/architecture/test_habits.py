"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SOURCES = sorted([*(ROOT / "grader").rglob("*.py"), *(ROOT / "gradectl").rglob("*.py")])
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_says_its_rule(path: Path) -> None:
    """The docstrings of the tests are the specification."""
    silent = [
        node.name
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert not silent


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_patches_our_code_or_waits_by_the_clock(path: Path) -> None:
    """What a test needs is injected, and what it waits for is an event."""
    text = path.read_text()
    names = ("mock.pat" + "ch", "monkeypatch.seta" + "ttr", "time.sle" + "ep(", "pytest.sk" + "ip")

    assert not [name for name in names if name in text]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file is one thing, and a function fits a screen."""
    lines = len(path.read_text().splitlines())
    long = [
        node.name
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno > MAX_FUNCTION_LINES
    ]

    assert lines <= MAX_FILE_LINES
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_lint_exception_has_its_reason(path: Path) -> None:
    """An exception without a reason is a mistake nobody can tell from a decision."""
    bare = [
        line.strip()
        for line in path.read_text().splitlines()
        if re.search(r"# (noqa|type: ignore)(\[[\w, -]+\]|: [\w, ]+)?\s*$", line)
    ]

    assert not bare


def test_errors_of_one_package_form_one_tree() -> None:
    """A caller can catch all of a package's errors by its one root."""
    for package, root in (("grader", "GraderError"), ("gradectl", "GradectlError")):
        strays = [
            f"{path.relative_to(ROOT)}: {node.name}"
            for path in (ROOT / package).rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef)
            and node.name != root
            and any(isinstance(base, ast.Name) and base.id == "Exception" for base in node.bases)
        ]

        assert not strays
