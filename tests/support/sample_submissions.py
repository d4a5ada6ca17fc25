"""Submits the example submissions to an environment that grades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"


def submit(applied: Any, *arguments: str, problem: str = "sum") -> Any:
    """Submit and wait for the result."""
    return applied.gradectl(
        *("submit", "--problem", problem, "--wait", "--output", "json", "--timeout", "60"),
        *arguments,
    )


def sample(name: str) -> str:
    """The path of a submission for the problem `sum`."""
    return str(EXAMPLES / "submissions" / "sum" / name)
