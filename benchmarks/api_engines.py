"""The engines of an API in a temporary folder: bucket, parameters, broker, database and Redis."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack import ROOT

sys.path.append(str(ROOT / "tests" / "support"))

from api_world import ApiWorld, open_world
from redis_server import running_redis

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import find_engines
from gradectl.local.testing import (
    RunningBroker,
    running_broker,
    running_control_plane,
    running_database,
)
from grader.adapters.activemq.connection import Connection, connect


@dataclass(frozen=True)
class ApiEngines:
    """
    Running engines, and an environment on them.

    Args:
        world: The environment; its processes have to be started.
        broker: Its broker.
        folder: For files; removed at the end.
        stack: Ends what was started.
    """

    world: ApiWorld
    broker: RunningBroker
    folder: Path
    stack: ExitStack

    def start_redis(self) -> dict[str, str]:
        """Start Redis; returns the variables of processes that use it."""
        home = self.folder / "redis"
        home.mkdir()
        server = self.stack.enter_context(running_redis(home))
        variables = {"REDIS_CA_FILE": str(server.ca_file)}
        for key, value in (("url", server.url), ("password", server.password)):
            self.world.set_parameter(f"redis/{key}", value)
            variables[f"REDIS_{key.upper()}_PARAM"] = f"/{self.world.name}/redis/{key}"
        return variables

    def connect(self) -> Connection:
        """Open a connection to the broker."""
        broker = self.broker
        connection = connect(
            [broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file
        )
        self.stack.callback(connection.close)
        return connection


@contextmanager
def api_engines() -> Iterator[ApiEngines]:
    """Run everything but Redis."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("database", "account", "world"):
            (folder / name).mkdir()
        database = stack.enter_context(running_database(find_engines(), folder / "database"))
        account = stack.enter_context(running_control_plane(folder / "account"))
        broker = stack.enter_context(_broker(folder))
        world = stack.enter_context(
            open_world(
                moto_server=account, database=database, directory=folder / "world", broker=broker
            )
        )
        yield ApiEngines(world, broker, folder, stack)


@contextmanager
def _broker(folder: Path) -> Iterator[RunningBroker]:
    xml = (ROOT / "tests/fixtures/broker.xml").read_text()
    user = BrokerUser("grader", "a-Password-for-benchmarks-1")
    with running_broker(find_engines(), folder, BrokerSpec("bench", xml, [user])) as running:
        yield running
