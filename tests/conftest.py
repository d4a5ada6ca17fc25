"""Real engines for tests, started once per session in their own directories."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pymysql
import pytest
from redis_server import RedisServer, running_redis

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines, find_engines
from gradectl.local.testing import (
    RunningBroker,
    RunningDatabase,
    running_broker,
    running_control_plane,
    running_database,
)
from grader.sandbox.temporary import installed_launcher

#: The policies of the messaging module, as Amazon MQ stores them.
BROKER_XML = Path(__file__).parent / "fixtures" / "broker.xml"
#: The authorization plugin, which grants rights to groups.
AUTHORIZATION = Path(__file__).parent / "fixtures" / "authorization.xml"
#: A user per role, one that can only consume requests, and one without rights.
ROLE_USERS = (
    BrokerUser("admin", "a-Password-of-admin-1", ("grading-admins",)),
    BrokerUser("operator", "a-Password-of-operator-1", ("grading-operators",)),
    BrokerUser("web", "a-Password-of-web-1", ("grading-web",)),
    BrokerUser("worker", "a-Password-of-worker-1", ("grading-workers",)),
    BrokerUser("taker", "a-Password-of-taker-1", ("takers",)),
    BrokerUser("stranger", "a-Password-of-stranger-1"),
)


#: Fixtures of programs that `make fast` does without.
ENGINE_FIXTURES = {
    *("activemq", "engines", "guarded", "launcher"),
    *("mariadb", "redis_server", "terraform_folder"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that needs an engine and does not carry the marker."""
    unmarked = [
        item.nodeid
        for item in items
        if ENGINE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        and not any(item.get_closest_marker(name) for name in ("engine", "stack"))
    ]
    if unmarked:
        wanted = f"needs the marker `engine`, because it uses one of {sorted(ENGINE_FIXTURES)}"
        raise pytest.UsageError("\n".join(f"{name}: {wanted}" for name in unmarked))


@pytest.hookimpl(optionalhook=True)  # pytest-xdist may be turned off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, keep the files of a folder that share an environment together."""
    from shared_folders import SharedFolders  # noqa: PLC0415 - it imports pytest-xdist

    return SharedFolders(config, log) if config.getvalue("dist") == "loadfile" else None


# How long an example takes, or its data, says how busy the machine is and nothing about the code.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def pytest_configure() -> None:
    """
    Restore the default handler of SIGINT for this process and its children.

    A shell without job control starts background jobs with SIGINT ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The collection of five thousand tests creates many objects and hardly any garbage: with the
    # default thresholds, garbage collection takes a quarter of its time.
    gc.set_threshold(50_000, 20, 50)
    # Terraform and its providers spend a third of their time on collecting garbage.
    os.environ.setdefault("GOGC", "400")


def pytest_collection_finish() -> None:
    """Exclude long-lived objects from garbage collection."""
    gc.freeze()


@pytest.fixture(scope="session")
def engines() -> Engines:
    """The engines of this machine; a test that needs a missing one fails."""
    return find_engines()


@pytest.fixture(scope="session")
def activemq(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A real ActiveMQ with TLS, one user, and the queues and policies of the messaging module."""
    user = BrokerUser("grader", "a-Password-for-tests-1")
    broker = BrokerSpec("tests-grading", _with_ageing_results(BROKER_XML.read_text()), [user])
    with running_broker(engines, tmp_path_factory.mktemp("activemq"), broker) as running:
        yield running


def _with_ageing_results(xml: str) -> str:
    """Add the policy of `grading-results` in our root, for the queues of results of all tests."""
    entry = xml[xml.index("<policyEntry ") : xml.index("</policyEntries>")]
    changes = {
        'queue="&gt;"': 'queue="*.results" expireMessagesPeriod="500"',
        'processExpired="true"': 'processExpired="false"',
    }
    results = entry
    for old, new in changes.items():
        assert old in entry
        results = results.replace(old, new)
    return xml.replace("</policyEntries>", f"{results}</policyEntries>")


@pytest.fixture(scope="session")
def guarded(
    engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RunningBroker]]:
    """A real ActiveMQ with an authorization map, and the credentials of a user in `ROLE_USERS`."""
    xml = BROKER_XML.read_text().replace("</plugins>", f"{AUTHORIZATION.read_text()}</plugins>")
    passwords = {user.name: user.password for user in ROLE_USERS}
    broker = BrokerSpec("guarded-grading", xml, ROLE_USERS)
    with running_broker(engines, tmp_path_factory.mktemp("guarded"), broker) as running:
        yield lambda name: replace(running, user=name, password=passwords[name])


@pytest.fixture(scope="session")
def mariadb(
    engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDatabase]:
    """A real MariaDB with one user with all privileges; see `fresh_database`."""
    with running_database(engines, tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(scope="session")
def running_redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis with TLS and a password; see `redis_server`."""
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis_server(running_redis_server: RedisServer) -> Iterator[RedisServer]:
    """An empty Redis, which a test may stop, freeze or fill."""
    yield running_redis_server
    running_redis_server.restore()


@pytest.fixture
def fresh_database(mariadb: RunningDatabase) -> Iterator[RunningDatabase]:
    """An empty database that is dropped after the test."""
    name = f"t_{uuid.uuid4().hex}"
    connection = pymysql.connect(
        host="127.0.0.1", port=mariadb.port, user=mariadb.user, password=mariadb.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield replace(mariadb, name=name)
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulated AWS API; tests choose unique names of resources."""
    with running_control_plane(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def launcher() -> Iterator[Path]:
    """A sandbox launcher with its own boxes, for this test process."""
    with installed_launcher() as path:
        yield path
