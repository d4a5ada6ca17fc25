"""Selects the environment of a command and opens its services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from gradectl import environment as environments
from gradectl.adapters.aws.account import Aws
from gradectl.adapters.broker import BrokerAccess, StompBroker, open_broker, read_access
from gradectl.adapters.sqs_broker import SqsBroker, open_queues, read_urls
from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, GradectlError, UsageError
from gradectl.queues.broker import Broker
from grader.adapters.s3 import S3ObjectStore
from grader.contract.names import TransportName, parameter_name
from grader.errors import GraderError


def select_environment(
    app: CloudContext, name: str | None, transport: TransportName | None = None
) -> EnvironmentClient:
    """
    Select the environment of a command.

    Args:
        app: The context of the command.
        name: Value of --environment; None selects the environment that the running local stack
            was started for, or the only one that may be running in it.
        transport: Value of --transport; None selects the active one.

    Raises:
        UsageError: None was named, and not exactly one is running here.
        ConfigurationError: It does not exist, or its file is invalid.
    """
    if name:
        return EnvironmentClient(app, app.environment(name), transport)
    known = environments.names(app.project_root)
    running = [each for each in map(app.environment, known) if app.stack(each)]
    started_for = [each for each in running if _is_started_for(app, each)]
    for found in (started_for, running):
        if len(found) == 1:
            return EnvironmentClient(app, found[0], transport)
    count = "several local environments are" if running else "no local environment is"
    raise UsageError(
        f"{count} running here, so --environment is required",
        where="--environment",
        next_step=f"gradectl local up, or --environment NAME, one of: {', '.join(known) or 'none'}",
    )


def _is_started_for(app: CloudContext, environment: Environment) -> bool:
    stack = app.stack(environment)
    return stack is not None and stack.environment == environment.name


class EnvironmentClient:
    """
    Clients for the services of one environment, opened on first use.

    Args:
        app: The context of the command.
        environment: The environment.
        transport: The transport whose queues are opened; None for the active one.
    """

    def __init__(
        self, app: CloudContext, environment: Environment, transport: TransportName | None = None
    ) -> None:
        self.app = app
        self._wanted = transport
        self.environment = environment
        self.name = environment.name
        self.bucket = environment.files_bucket

    @cached_property
    def aws(self) -> Aws:
        """The account; the credentials are checked against it."""
        return self.app.aws(self.environment)

    @cached_property
    def objects(self) -> S3ObjectStore:
        """
        The bucket of submissions, problems and results.

        Raises:
            ConfigurationError: The bucket does not exist; the environment was not applied.
        """
        if not self.aws.buckets.exists(self.bucket):
            text = "the bucket of submissions, problems and results does not exist"
            hint = f"gradectl apply {self.name}"
            if self.environment.external:
                hint = "set files.bucket in environment.yaml to the bucket of the environment"
            raise ConfigurationError(text, where=f"s3://{self.bucket}", next_step=hint)
        return self.aws.object_store(self.bucket)

    @property
    def look_at(self) -> str:
        """The command that shows whether the environment's services run."""
        if self.environment.emulated:
            return "gradectl local status"
        return f"gradectl smoke {self.name}"

    @cached_property
    def transport(self) -> TransportName:
        """
        The transport whose queues are opened: that of --transport, or else the active one.

        Raises:
            UsageError: The environment does not have that of --transport.
        """
        active, existing = self._transports
        if self._wanted is None:
            return active
        if self._wanted not in existing:
            raise UsageError(
                f"{self.name} has no queues of {self._wanted}",
                where="--transport",
                next_step="omit it to use the active transport",
            )
        return self._wanted

    @property
    def other_transport(self) -> TransportName | None:
        """The other transport, where both exist during a change."""
        return next((each for each in self._transports[1] if each is not self.transport), None)

    @property
    def options(self) -> str:
        """The options that name these queues in another command: -e, and --transport if needed."""
        inactive = self.inactive_transport
        return f"-e {self.name} --transport {inactive}" if inactive else f"-e {self.name}"

    @property
    def inactive_transport(self) -> TransportName | None:
        """The transport of these queues, where it is not the active one."""
        return None if self.transport is self._transports[0] else self.transport

    def inspect_command(self, queue: str, *, sample: int | None = None) -> str:
        """
        Return the command that shows the messages of a queue.

        Args:
            queue: Name of the queue.
            sample: Number of messages to receive on Amazon SQS; None for ten.
        """
        command = f"gradectl queue inspect {queue} {self.options}"
        return (
            f"{command} --sample {sample or 10}" if self.transport is TransportName.SQS else command
        )

    @cached_property
    def _transports(self) -> tuple[TransportName, tuple[TransportName, ...]]:
        """The active transport, and those that exist."""
        keys = {
            TransportName.ACTIVEMQ: parameter_name(self.name, "mq", "broker-endpoint"),
            TransportName.SQS: parameter_name(self.name, "sqs", "active"),
        }
        found = self.aws.parameters_if_any(list(keys.values()))
        is_sqs = found.get(keys[TransportName.SQS]) == "true"
        active = TransportName.SQS if is_sqs else TransportName.ACTIVEMQ
        return active, tuple(each for each, key in keys.items() if key in found)

    @cached_property
    def _sqs(self) -> SqsBroker:
        """The queues of SQS; what one block holds, another one of this object can move."""
        return open_queues(self.aws, self.name, read_urls(self.aws, self.name), self.bucket)

    @contextmanager
    def broker(self, role: str | None = None) -> Iterator[Broker]:
        """
        Open the queues of the transport for the block: connect to the broker, or to Amazon SQS.

        Args:
            role: Role to log in as, where the broker has a user for it; the admin when None. SQS
                has no users, but the rights of the credentials.

        Raises:
            UnreachableError: It does not answer.
            AccessError: It rejected the login, or a later operation.
            TrustError: Its certificate is not trusted.
        """
        with self.own_advice():
            if self.transport is TransportName.SQS:
                yield self._sqs
            else:
                yield from self._broker(role)

    def _broker(self, role: str | None) -> Iterator[StompBroker]:
        stack = self.app.stack(self.environment)
        advice = BrokerAccess.advice if stack is None else "gradectl local status"
        access = read_access(
            self.aws, self.name, role, ca_file=stack.ca_file if stack else None, advice=advice
        )
        with open_broker(access) as broker:
            yield broker

    @contextmanager
    def own_advice(self) -> Iterator[None]:
        """Advise to repair an external environment where its Terraform is."""
        try:
            yield
        except (GradectlError, GraderError) as error:
            if self.environment.external and "gradectl apply" in error.next_step:
                error.next_step = (
                    "in the environment's own Terraform, set the parameters"
                    f" {self._transport_parameters()}"
                    f" and /{self.name}/db/{{endpoint,name,username,password}}"
                )
            raise

    def _transport_parameters(self) -> str:
        """Name the parameters of the transports that exist; without any, those of both."""
        known = {
            TransportName.ACTIVEMQ: f"/{self.name}/mq/{{broker-endpoint,username,password}}",
            TransportName.SQS: f"/{self.name}/sqs/"
            "{active,requests-url,priority-url,results-url,dead-letter-url}",
        }
        try:
            existing = self._transports[1]
        except GradectlError:  # the error that is being advised on matters more
            existing = ()
        return " and ".join(known[each] for each in existing) or " or ".join(known.values())
