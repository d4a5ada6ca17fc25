"""Whole environments are applied, checked and destroyed as users do it."""

from __future__ import annotations

import pytest
from lives.background import Lives
from lives.known import LIVES

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", LIVES)
def test_an_environment_lives_as_its_files_say(lives: Lives, name: str) -> None:
    """Each life states its promises in its module; it began when the session did."""
    lives.outcome(name)
