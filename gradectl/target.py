"""The environment that a command works in, and the ways into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from gradectl import environment as environments
from gradectl.adapters.aws.account import Aws
from gradectl.adapters.broker import BrokerAccess, StompBroker, open_broker, read_access
from gradectl.adapters.database import open_jobs
from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, UsageError
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.s3 import S3ObjectStore


def select_environment(app: CloudContext, name: str | None) -> EnvironmentClient:
    """
    Find the environment that is meant.

    Args:
        app: The context of the command.
        name: What was given with --environment; when nothing was, the only environment whose
            local stack is running.

    Raises:
        UsageError: None was given, and there is not exactly one that runs here.
        ConfigurationError: It does not exist, or its file is wrong.
    """
    if name:
        return EnvironmentClient(app, app.environment(name))
    known = environments.names(app.project_root)
    running = [each for each in map(app.environment, known) if app.stack(each)]
    if len(running) == 1:
        return EnvironmentClient(app, running[0])
    text = "several local environments run here" if running else "no local environment runs here"
    raise UsageError(
        f"{text}, so it must be said which one is meant",
        where="--environment",
        next_step=f"gradectl local up, or --environment NAME, one of: {', '.join(known) or 'none'}",
    )


class EnvironmentClient:
    """
    One environment, and the ways into it; each is opened when it is used.

    Args:
        app: The context of the command.
        environment: The environment.
    """

    def __init__(self, app: CloudContext, environment: Environment) -> None:
        """Nothing is opened yet."""
        self.app = app
        self.environment = environment
        self.name = environment.name
        self.bucket = environment.files_bucket

    @cached_property
    def aws(self) -> Aws:
        """The account, checked to be the right one."""
        return self.app.aws(self.environment)

    @cached_property
    def objects(self) -> S3ObjectStore:
        """
        Submissions, problems and results.

        Raises:
            ConfigurationError: There is no such bucket; the environment was not applied.
        """
        if not self.aws.buckets.exists(self.bucket):
            text = "the bucket of submissions, problems and results does not exist"
            hint = f"gradectl apply {self.name}"
            raise ConfigurationError(text, where=f"s3://{self.bucket}", next_step=hint)
        return self.aws.object_store(self.bucket)

    @property
    def look_at(self) -> str:
        """The command that shows whether the environment's parts run."""
        if self.environment.emulated:
            return "gradectl local status"
        return f"gradectl smoke {self.name}"

    @contextmanager
    def broker(self, role: str | None = None) -> Iterator[StompBroker]:
        """
        Connect to the broker for the block.

        Args:
            role: Whom to log in as, where the environment has such users; the admin when None.

        Raises:
            UnreachableError: It does not answer.
            AccessError: It refused the user name or password, or later something else.
            TrustError: Its certificate is not trusted.
        """
        stack = self.app.stack(self.environment)
        advice = BrokerAccess.advice if stack is None else "gradectl local status"
        access = read_access(
            self.aws, self.name, role, ca_file=stack.ca_file if stack else None, advice=advice
        )
        with open_broker(access) as broker:
            yield broker

    @contextmanager
    def jobs(self) -> Iterator[MysqlJobStore]:
        """Give the table of jobs for the block; its first use connects."""
        with open_jobs(self.aws, self.name) as jobs:
            yield jobs
