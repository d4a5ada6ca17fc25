"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import Box


@pytest.fixture
def box(launcher: Path) -> Iterator[Box]:
    """A claimed slot."""
    with Box.claim(launcher) as claimed:
        yield claimed
