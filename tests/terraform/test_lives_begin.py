"""All lives of environments begin with the session, because they take minutes and mostly wait."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from lives.background import Lives
from lives.known import LIVES

pytestmark = pytest.mark.engine


@pytest.fixture(name="threads", scope="session")
def _threads() -> Iterator[list[Thread]]:
    """Threads that the process awaits at its end."""
    begun: list[Thread] = []
    yield begun
    for thread in begun:
        thread.join()


@pytest.mark.parametrize("name", LIVES)
def test_a_life_begins(lives: Lives, threads: list[Thread], name: str) -> None:
    """Its root is initialised and its emulated account answers."""
    thread = lives.begin(name)
    threads.append(thread)

    assert thread.is_alive()
