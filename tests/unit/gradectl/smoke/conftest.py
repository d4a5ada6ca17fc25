"""An environment in memory."""

from __future__ import annotations

import pytest
from fake_environment import FakeEnvironment


@pytest.fixture
def environment() -> FakeEnvironment:
    """A healthy environment."""
    return FakeEnvironment()
