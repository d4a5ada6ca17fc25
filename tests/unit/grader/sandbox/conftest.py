"""Fixtures of the sandbox tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import Box


@pytest.fixture
def box(launcher: Path) -> Iterator[Box]:
    """A claimed box."""
    with Box.claim(launcher) as claimed:
        yield claimed
