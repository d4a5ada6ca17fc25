"""The check of policies names file, line and rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.policies import CHECK


def test_a_wildcard_is_found_where_it_stands(make_context: Callable[..., Any], look: Any) -> None:
    """The message says what to do about it."""
    context = make_context({"modules/a/iam.tf": 'locals {\n  x = { Action = "s3:*" }\n}\n'})

    (found,) = look(CHECK, context)

    assert (found.path, found.line, found.rule) == ("modules/a/iam.tf", 2, "wildcard")
    assert "give the reason in a comment" in found.message


def test_a_file_that_is_no_terraform_is_not_passed_over(
    make_context: Callable[..., Any], look: Any
) -> None:
    """What could not be read was not checked."""
    (found,) = look(CHECK, make_context({"main.tf": 'a = "\n'}))

    assert (found.location, found.severity) == ("main.tf:1", "error")
