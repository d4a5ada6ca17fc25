"""Data from the account, without boto3's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class KnownUser:
    """A user of a broker; its password cannot be read."""

    name: str
    groups: frozenset[str] = frozenset()
    console_access: bool = False


@dataclass(frozen=True)
class ParameterInfo:
    """
    The metadata of an SSM parameter.

    Attributes:
        name: Its full name.
        kind: String, StringList or SecureString.
        version: Raised by each write.
        modified: Time of the last write.
        key_id: KMS key of a SecureString.
        tier: Standard, Advanced or Intelligent-Tiering.
    """

    name: str
    kind: str
    version: int
    modified: datetime
    key_id: str | None = None
    tier: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether it is a SecureString."""
        return self.kind == "SecureString"


@dataclass(frozen=True)
class ContainerLog:
    """The CloudWatch log of a container; a task's stream is `<prefix>/<container>/<task id>`."""

    group: str
    prefix: str
    container: str


@dataclass(frozen=True)
class ServiceContainer:
    """
    The essential container of a service's tasks.

    Attributes:
        name: Its name.
        task_definition: ARN of the task definition.
        environment: Its variables; secrets are not among them.
        log: Its log; None for another driver than awslogs.
    """

    name: str
    task_definition: str
    environment: Mapping[str, str]
    log: ContainerLog | None


@dataclass(frozen=True)
class TaskState:
    """
    The state of a task.

    Attributes:
        status: Such as PROVISIONING, RUNNING or STOPPED.
        stopped: Whether it has ended.
        exit_code: Exit code of its container; None while it runs, and when it never started.
        reason: Why it stopped.
    """

    status: str
    stopped: bool
    exit_code: int | None
    reason: str


@dataclass(frozen=True)
class BrokerNode:
    """
    A broker as `gradectl verify` needs it.

    Attributes:
        broker_id: Its ID.
        name: Its name.
        state: RUNNING, or a state of a change.
        engine: ACTIVEMQ or RABBITMQ.
        public: Whether it has a public address.
        subnet_ids: Its subnets.
        group_ids: Its security groups.
        configuration: ID and revision of the active configuration; empty and 0 for none.
        pending: ID and revision of the configuration that waits for a reboot.
    """

    broker_id: str
    name: str
    state: str
    engine: str
    public: bool
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    configuration: tuple[str, int] = ("", 0)
    pending: tuple[str, int] = ("", 0)


@dataclass(frozen=True)
class DatabaseNode:
    """A database instance as `gradectl verify` needs it."""

    identifier: str
    status: str
    vpc_id: str
    port: int
    public: bool
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    engine: str = "mysql"
    address: str = ""
    database_name: str = ""
    username: str = ""


@dataclass(frozen=True)
class ServiceNetwork:
    """Network and roles of an ECS service."""

    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    public_address: bool
    task_role_arn: str = ""
    execution_role_arn: str = ""


@dataclass(frozen=True)
class StoredImage:
    """
    An image in ECR.

    Attributes:
        digest: `sha256:...`.
        architectures: Names as in image manifests, such as `amd64`; empty when unknown.
    """

    digest: str
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Simulation:
    """Answers of IAM: action to `allowed` or the reason why not, as AWS names it."""

    role_arn: str
    decisions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueNode:
    """
    The settings of a queue of SQS.

    Attributes:
        url: Its URL.
        kms_key: ID, ARN or alias of its KMS key; "" for none.
        sse: Whether SQS encrypts it with a key of its own.
        dead_letter_arn: Where its redrive policy moves messages; "" without one.
        max_receives: Number of receives after which it does.
    """

    url: str
    kms_key: str = ""
    sse: bool = False
    dead_letter_arn: str = ""
    max_receives: int = 0
