"""The check of generated documentation runs the program that writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.reference import CHECK

FILES = {"main.tf": ""}


def generator(script: str) -> dict[str, str]:
    """A project with a program that writes its documentation."""
    return {**FILES, "scripts/reference.py": f"import sys\n{script}\n"}


def test_the_generator_runs_with_check(make_context: Callable[..., Any], look: Any) -> None:
    """It exits with 0 when every file is up to date."""
    context = make_context(generator("sys.exit(sys.argv[1:] != ['--check'])"))

    assert look(CHECK, context) == []


def test_the_last_line_of_output_is_the_finding(
    make_context: Callable[..., Any], look: Any
) -> None:
    """A traceback may come before it."""
    (found,) = look(CHECK, make_context(generator("print('x'); sys.exit('cli.md is out of date')")))

    assert str(found) == "scripts/reference.py:1: cli.md is out of date"


def test_a_failure_without_output_is_a_finding(make_context: Callable[..., Any], look: Any) -> None:
    """The exit code alone decides whether the files are up to date."""
    (found,) = look(CHECK, make_context(generator("sys.exit(7)")))

    assert found.message == "exit code 7, no output"
