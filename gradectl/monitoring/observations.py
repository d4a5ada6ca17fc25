"""What is known about an environment at one moment; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gradectl.adapters.aws.ecs_models import EcsService, EcsTask, TaskRevision
from gradectl.adapters.aws.state_models import (
    IngressRule,
    ManagedState,
    SqsQueueState,
    TargetHealth,
)
from grader.contract.names import TransportName
from grader.ports.messages import QueueStatistics

SERVICE, BROKER, DATABASE, QUEUES = "service", "broker", "database", "queues"
API, REDIS = "api", "redis"
#: Parts that only `gradectl doctor` looks at.
BUCKET, CPU, LOG, NETWORK = "bucket", "cpu", "log", "network"
TARGETS = "targets"
PARAMETERS, SCALING = "parameters", "scaling"


@dataclass(frozen=True)
class Transports:
    """
    What carries the messages of an environment.

    Attributes:
        active: What producers send to.
        has_broker: Whether there is a broker, active or being drained.
        sqs_urls: URL of each queue of SQS; empty if there is none.
    """

    active: TransportName = TransportName.ACTIVEMQ
    has_broker: bool = True
    sqs_urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def drained(self) -> TransportName | None:
        """The transport that workers only empty, during a change; None otherwise."""
        if self.active is TransportName.SQS:
            return TransportName.ACTIVEMQ if self.has_broker else None
        return TransportName.SQS if self.sqs_urls else None

    def __str__(self) -> str:
        """Return both in words."""
        names = {TransportName.ACTIVEMQ: "Amazon MQ", TransportName.SQS: "Amazon SQS"}
        drained = f"; {names[self.drained]} is being drained" if self.drained else ""
        return f"{names[self.active]}{drained}"


@dataclass(frozen=True)
class Observations:
    """
    The parts of an environment.

    A part that does not exist is None; a part that could not be read is in `unknown`.

    Attributes:
        environment: Its name.
        taken_at: When it was observed.
        service: The ECS service of the workers.
        revision: The task definition of the service.
        tasks: Its running and starting tasks.
        stopped: Its tasks that ended by themselves within about the last hour.
        has_api: Whether it has the HTTP API.
        api: The ECS service of the HTTP API.
        api_stopped: Its tasks that ended by themselves.
        api_targets: Its tasks as the load balancer sees them.
        has_redis: Whether it has a Redis of its own.
        redis: The replication group of Redis.
        transports: What carries its messages.
        broker: The broker; also None for an environment that has none.
        database: The database.
        queues: The counters of each queue; None for a queue that does not exist.
        queues_from: Where the counters come from, when it is not the broker itself.
        sqs_queues: The state of each queue of SQS, if that is active; None for a missing queue.
        parameter_types: Type of each SSM parameter that exists.
        wanted_parameters: Type that each SSM parameter of the workers must have.
        endpoint: Address of the broker that the workers read from SSM; empty when it is unknown.
        username: Broker user of the workers; empty when it is unknown.
        emulated: Whether a local stack provides broker and database, at other addresses.
        scaling_bounds: Minimum and maximum number of workers; None without scaling.
        cpu_percent: Use of the CPU of the workers within some minutes; None when it is unknown.
        ingress: What the security groups of broker and database accept.
        bucket_exists: Whether the bucket of submissions and results exists.
        paused: Since when the workers are paused, and by whom; empty if they are not.
        errors: The latest error lines of the workers.
        unknown: Part that could not be read, and why.
    """

    environment: str
    taken_at: datetime
    service: EcsService | None = None
    revision: TaskRevision | None = None
    tasks: tuple[EcsTask, ...] = ()
    stopped: tuple[EcsTask, ...] = ()
    has_api: bool = False
    api: EcsService | None = None
    api_stopped: tuple[EcsTask, ...] = ()
    api_targets: tuple[TargetHealth, ...] = ()
    has_redis: bool = False
    redis: ManagedState | None = None
    transports: Transports = field(default_factory=Transports)
    broker: ManagedState | None = None
    database: ManagedState | None = None
    queues: Mapping[str, QueueStatistics | None] = field(default_factory=dict)
    queues_from: str = ""
    sqs_queues: Mapping[str, SqsQueueState | None] = field(default_factory=dict)
    parameter_types: Mapping[str, str] = field(default_factory=dict)
    wanted_parameters: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""
    username: str = ""
    emulated: bool = False
    scaling_bounds: tuple[int, int] | None = None
    cpu_percent: float | None = None
    ingress: tuple[IngressRule, ...] = ()
    bucket_exists: bool = True
    paused: str = ""
    errors: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    def knows(self, *parts: str) -> bool:
        """Whether all these parts were read."""
        return not self.unknown.keys() & set(parts)
