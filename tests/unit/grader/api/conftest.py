"""An API over in-memory fakes for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from memory_api import MemoryApi


@pytest.fixture
def make_api() -> Iterator[Callable[..., MemoryApi]]:
    """Make an API with these options."""
    with ExitStack() as stack:

        def make(*options: Any, **services: Any) -> MemoryApi:
            made = MemoryApi(*options, **services)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def api(make_api: Callable[..., MemoryApi]) -> MemoryApi:
    """An API with the usual options."""
    return make_api()
