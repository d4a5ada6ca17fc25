"""The running local environment, as benchmarks use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradectl.adapters.broker import read_access
from gradectl.cloud import CloudContext
from gradectl.context import process_environment
from gradectl.local.stack import Stack
from gradectl.options import GlobalOptions
from gradectl.target import EnvironmentClient, select_environment
from grader.adapters.activemq.connection import Connection, connect

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Local:
    """The applied `local` environment."""

    stack: Stack
    target: EnvironmentClient

    @classmethod
    def find(cls) -> Local:
        """Find the environment that `KEEP=1 make demo` leaves running."""
        stack = Stack.load(ROOT)
        if stack is None:
            raise SystemExit("the local stack is not running: KEEP=1 make demo")
        app = CloudContext(GlobalOptions(), process_environment(), ROOT)
        return cls(stack, select_environment(app, "local"))

    @contextmanager
    def broker(self) -> Iterator[Connection]:
        """Open a connection with the code of the worker."""
        access = read_access(self.target.aws, "local")
        connection = connect(
            [access.endpoints], access.user, access.password, ca_file=self.stack.ca_file
        )
        try:
            yield connection
        finally:
            connection.close()
