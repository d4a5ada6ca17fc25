"""One environment for the folder: engines, a worker with a constant handler, and two APIs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_world import ApiProcess, ApiWorld, open_world
from graded_api import GradedApi, open_graded_api

from gradectl.local.testing import RunningBroker, RunningDatabase


@pytest.fixture(scope="package")
def world(
    activemq: RunningBroker,
    mariadb: RunningDatabase,
    moto_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ApiWorld]:
    """An environment on the broker, without processes of ours."""
    with open_world(
        moto_server=moto_server,
        database=mariadb,
        directory=tmp_path_factory.mktemp("api"),
        broker=activemq,
    ) as world:
        yield world


@pytest.fixture(scope="package")
def apis(world: ApiWorld) -> tuple[ApiProcess, ApiProcess]:
    """Two APIs and a worker; tests must not end them."""
    world.start_worker(WORKER_SLOTS="2")
    return world.start_api(), world.start_api()


@pytest.fixture(scope="package")
def api(apis: tuple[ApiProcess, ApiProcess]) -> ApiProcess:
    """One of the two APIs."""
    return apis[0]


@pytest.fixture(scope="package")
def key(world: ApiWorld) -> str:
    """A key of the user `ann`."""
    return world.make_key("ann")


@pytest.fixture(scope="package")
def graded(
    activemq: RunningBroker,
    mariadb: RunningDatabase,
    moto_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GradedApi]:
    """An API with a worker that really grades."""
    with open_graded_api(
        moto_server=moto_server,
        database=mariadb,
        directory=tmp_path_factory.mktemp("graded"),
        broker=activemq,
    ) as graded:
        yield graded
