"""The check of policies reports file, line and rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.policies import CHECK


def test_a_wildcard_is_found_with_its_location(make_context: Callable[..., Any], look: Any) -> None:
    """The message says how to fix it."""
    context = make_context({"modules/a/iam.tf": 'locals {\n  x = { Action = "s3:*" }\n}\n'})

    (found,) = look(CHECK, context)

    assert (found.path, found.line, found.rule) == ("modules/a/iam.tf", 2, "wildcard")
    assert "give the reason in a comment" in found.message


def test_a_file_with_invalid_hcl_is_a_finding(make_context: Callable[..., Any], look: Any) -> None:
    """Unreadable files were not checked."""
    (found,) = look(CHECK, make_context({"main.tf": 'a = "\n'}))

    assert (found.location, found.severity) == ("main.tf:1", "error")
