"""An applied environment with real engines, for the tests of one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from applied_environment import Applied, empty_database, make_environment, running_queues

from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningBroker, RunningDatabase
from grader.adapters.activemq.connection import connect


@pytest.fixture(scope="module")
def own_broker(
    engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBroker]:
    """A broker for the tests of one file, because they use the public queue names."""
    with running_queues(engines, tmp_path_factory.mktemp("operating")) as running:
        yield running


@pytest.fixture(scope="module")
def own_database(mariadb: RunningDatabase) -> Iterator[RunningDatabase]:
    """An empty database for the tests of one file."""
    with empty_database(mariadb) as database:
        yield database


@pytest.fixture(scope="module")
def make_applied(
    own_broker: RunningBroker,
    own_database: RunningDatabase,
    moto_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Applied]:
    """Create an environment as an apply leaves it."""
    return lambda: make_environment(own_broker, own_database, moto_server, tmp_path_factory.mktemp)


@pytest.fixture
def applied(make_applied: Callable[[], Any]) -> Iterator[Any]:
    """An environment without workers; its queues are emptied after each test."""
    environment = make_applied()
    yield environment
    environment.stack.close()
    _empty(environment.broker)


@pytest.fixture(scope="module")
def empty_queues() -> Callable[[RunningBroker], None]:
    """Consume all messages of a broker, as a user who may."""
    return _empty


def _empty(running: RunningBroker) -> None:
    connection = connect(
        [running.endpoint], running.user, running.password, ca_file=running.ca_file
    )
    for queue in ("requests", "priority", "results", "dlq"):
        connection.subscribe(f"grading-{queue}")
    while (frame := connection.next_frame(0.3)) is not None:
        connection.ack(frame)
    connection.close()
