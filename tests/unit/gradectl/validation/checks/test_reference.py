"""The check of generated documentation asks the programs that write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.reference import CHECK
from grader.contract.schemas import schemas

FILES = {"main.tf": ""}


def generator(script: str) -> dict[str, str]:
    """A project with one program that writes documentation."""
    return {**FILES, "scripts/cli_reference.py": f"import sys\n{script}\n"}


def test_a_generator_is_asked_only_to_look(make_scene: Callable[..., Any], look: Any) -> None:
    """It ends with 0 when everything is fresh."""
    context = make_scene(generator("sys.exit(sys.argv[1:] != ['--check'])"))

    assert look(CHECK, context) == []


def test_what_a_generator_says_is_found(make_scene: Callable[..., Any], look: Any) -> None:
    """Its last line is what matters; before it may be a traceback."""
    (found,) = look(CHECK, make_scene(generator("print('x'); sys.exit('cli.md is out of date')")))

    assert str(found) == "scripts/cli_reference.py:1: cli.md is out of date"


def test_a_generator_that_fails_silently_is_found(
    make_scene: Callable[..., Any], look: Any
) -> None:
    """It has not said that everything is fresh."""
    (found,) = look(CHECK, make_scene(generator("sys.exit(7)")))

    assert found.message == "it ended with 7"


def test_the_schemas_of_the_messages_are_compared(
    make_scene: Callable[..., Any], look: Any
) -> None:
    """Producers in other languages rely on them."""
    files = {f"docs/schemas/{name}": text for name, text in schemas().items()}
    assert look(CHECK, make_scene({**FILES, **files})) == []

    name = next(iter(files))
    (found,) = look(CHECK, make_scene({**FILES, **files, name: "{}"}))

    assert found.place == f"{name}:1"
