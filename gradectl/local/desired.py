"""The desired services for the state of the control plane, and the steps to reach them; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.mariadb import Database
from gradectl.local.engines.redis import Cache

BROKER = "broker"
DATABASE = "database"
CACHE = "redis"
REGISTRY = "registry"
LOAD_BALANCER = "load-balancer"
_ONE_OFF = "run-task"
#: Health of a task whose health check passes.
HEALTHY = "healthy"


# --- The state of the control plane --------------------------------------------------------------


@dataclass(frozen=True)
class CloudBroker:
    """An ActiveMQ broker of Amazon MQ, as of its last reboot."""

    broker_id: str
    reboots: int
    broker: BrokerSpec


@dataclass(frozen=True)
class CloudDatabase:
    """A MySQL instance of RDS."""

    instance_id: str
    database: Database


@dataclass(frozen=True)
class CloudCache:
    """A replication group of ElastiCache."""

    group_id: str
    cache: Cache


@dataclass(frozen=True)
class Container:
    """
    The container of a task definition, reduced to what is done here.

    Attributes:
        command: Its entry point and command; empty takes those of the image.
        environment: Its variables.
        secrets: Name of each variable, and of the parameter with its value.
        stop_seconds: Time from SIGTERM to SIGKILL.
        image: Its image.
        has_entry_point: Whether its command begins with an entry point, which replaces the image's.
        writable_paths: Paths of its volumes.
        dropped_capabilities: Those of Docker's default that it does not have.
        user: Its user; empty takes that of the image.
    """

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    stop_seconds: int
    image: str = ""
    has_entry_point: bool = False
    writable_paths: tuple[str, ...] = ()
    dropped_capabilities: tuple[str, ...] = ()
    user: str = ""


@dataclass(frozen=True)
class CloudService:
    """
    A service of ECS; a new `deployment` replaces all its tasks.

    `target_group` is the ARN of the targets that its tasks are; empty without a load balancer.
    """

    name: str
    deployment: str
    desired_count: int
    container: Container
    sidecars: tuple[str, ...] = ()  # containers of the task that are not started here
    target_group: str = ""


@dataclass(frozen=True)
class CloudTask:
    """A task of RunTask that has not ended."""

    task_id: str
    container: Container


@dataclass(frozen=True)
class TaskState:
    """
    A task of a service as it is now, for the control plane.

    Attributes:
        deployment: Its deployment, as in `CloudService`.
        number: Its number within the deployment.
        running: Whether its program runs.
        health: `healthy` or another word; empty before the first health check.
        restarts: How often its program was restarted. ECS starts a new task each time.
        exit_status: Exit status of the program that ended last; None for one that did not start.
        failure: Why it does not run; empty for a task that runs or starts.
    """

    deployment: str
    number: str
    running: bool
    health: str = ""
    restarts: int = 0
    exit_status: int | None = None
    failure: str = ""


@dataclass(frozen=True)
class Cloud:
    """All resources that need a data plane, oldest first."""

    brokers: tuple[CloudBroker, ...] = ()
    databases: tuple[CloudDatabase, ...] = ()
    services: tuple[CloudService, ...] = ()
    tasks: tuple[CloudTask, ...] = ()
    repositories: tuple[str, ...] = ()  # of images
    caches: tuple[CloudCache, ...] = ()


# --- The services on this machine ---------------------------------------------------------------


@dataclass(frozen=True)
class BrokerService:
    """The broker's process."""

    source: CloudBroker
    name: str = BROKER


@dataclass(frozen=True)
class DatabaseService:
    """The database server's process."""

    source: CloudDatabase
    name: str = DATABASE


@dataclass(frozen=True)
class CacheService:
    """The process of the cache."""

    source: CloudCache
    name: str = CACHE


@dataclass(frozen=True)
class RegistryService:
    """The process of the registry of images."""

    name: str = REGISTRY


@dataclass(frozen=True)
class LoadBalancerService:
    """The process in front of the tasks of a service."""

    name: str = LOAD_BALANCER


@dataclass(frozen=True)
class TaskService:
    """One task of an ECS service; `is_target` where a load balancer is in front of it."""

    name: str
    service: str
    container: Container
    is_target: bool = False


@dataclass(frozen=True)
class OneOffTask:
    """A task that runs once; it is not started again when it has ended."""

    name: str
    task_id: str
    container: Container


LocalService = (
    BrokerService
    | CacheService
    | DatabaseService
    | LoadBalancerService
    | OneOffTask
    | RegistryService
    | TaskService
)


@dataclass(frozen=True)
class Steps:
    """The services to stop and to start now; replacements start in a later round."""

    stop: tuple[str, ...] = ()
    start: tuple[LocalService, ...] = ()


@dataclass(frozen=True)
class RunningService:
    """A service that was started and has not exited yet."""

    service: LocalService
    stopping: bool = field(default=False)


def desired(cloud: Cloud) -> dict[str, LocalService]:
    """
    Return the desired services by name.

    A stack has one address of each kind, so only the oldest broker, database and cache run.
    """
    services: list[LocalService] = [BrokerService(broker) for broker in cloud.brokers[:1]]
    services += [DatabaseService(database) for database in cloud.databases[:1]]
    services += [CacheService(cache) for cache in cloud.caches[:1]]
    services += [RegistryService() for _ in cloud.repositories[:1]]
    services += [LoadBalancerService() for _ in balanced(cloud)[:1]]
    for service in cloud.services:
        services += [
            TaskService(
                task_name(service, number),
                service.name,
                service.container,
                is_target=bool(service.target_group),
            )
            for number in range(1, service.desired_count + 1)
        ]
    services += one_off_tasks(cloud)
    return {service.name: service for service in services}


def balanced(cloud: Cloud) -> list[CloudService]:
    """Return the services with a load balancer; the first one has the address of the stack."""
    return [each for each in cloud.services if each.target_group]


def one_off_tasks(cloud: Cloud) -> list[OneOffTask]:
    """Return the tasks of RunTask; each has a name of its own."""
    return [
        OneOffTask(f"{_ONE_OFF}/{task.task_id}", task.task_id, task.container)
        for task in cloud.tasks
    ]


def task_name(service: CloudService, number: int) -> str:
    """Return a task name; each deployment has its own, so new tasks start while old ones stop."""
    return f"{service.name}/{service.deployment}/{number}"


def not_served(cloud: Cloud) -> Collection[str]:
    """Return the resources of the control plane that have no data plane here."""
    brokers = [f"broker {extra.broker.name}" for extra in cloud.brokers[1:]]
    databases = [f"database {extra.instance_id}" for extra in cloud.databases[1:]]
    caches = [f"cache {extra.group_id}" for extra in cloud.caches[1:]]
    containers = [
        f"container {each.name}/{name}" for each in cloud.services for name in each.sidecars
    ]
    balancers = [f"load balancer of {extra.name}" for extra in balanced(cloud)[1:]]
    return brokers + databases + caches + containers + balancers


def steps(wanted: Mapping[str, LocalService], running: Mapping[str, RunningService]) -> Steps:
    """
    Return the steps from `running` towards exactly `wanted`.

    A changed service is stopped first and started in the round after it has exited, because its
    replacement has the same name, port and directory.
    """
    stop = [
        name
        for name, current in running.items()
        if not current.stopping and wanted.get(name) != current.service
    ]
    start = [service for name, service in wanted.items() if name not in running]
    return Steps(tuple(stop), tuple(start))
