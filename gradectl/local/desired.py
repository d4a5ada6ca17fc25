"""What must run for what the control plane says, and the steps from what runs to that; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.mariadb import Database

BROKER = "broker"
DATABASE = "database"


# --- What the control plane says ----------------------------------------------------------------


@dataclass(frozen=True)
class CloudBroker:
    """An ActiveMQ broker of Amazon MQ, with what is in force since its last reboot."""

    broker_id: str
    reboots: int
    broker: BrokerSpec


@dataclass(frozen=True)
class CloudDatabase:
    """A MySQL instance of RDS."""

    instance_id: str
    database: Database


@dataclass(frozen=True)
class Container:
    """The container of a task definition, as far as a plain process can be one."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]  # name, and the parameter it comes from
    stop_seconds: int


@dataclass(frozen=True)
class CloudService:
    """A service of ECS; a new `deployment` replaces all its tasks."""

    name: str
    deployment: str
    desired_count: int
    container: Container
    beside: tuple[str, ...] = ()  # containers of the task that are not started here


@dataclass(frozen=True)
class Cloud:
    """Everything that needs a data plane, oldest first."""

    brokers: tuple[CloudBroker, ...] = ()
    databases: tuple[CloudDatabase, ...] = ()
    services: tuple[CloudService, ...] = ()


# --- What runs on this machine ------------------------------------------------------------------


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
class TaskService:
    """One task of an ECS service."""

    name: str
    service: str
    container: Container


LocalService = BrokerService | DatabaseService | TaskService


@dataclass(frozen=True)
class Steps:
    """What to begin now; what waits for a name to become free comes in a later round."""

    stop: tuple[str, ...] = ()
    start: tuple[LocalService, ...] = ()


@dataclass(frozen=True)
class RunningService:
    """A service that was started and has not ended yet."""

    service: LocalService
    stopping: bool = field(default=False)


def desired(cloud: Cloud) -> dict[str, LocalService]:
    """
    Choose what must run, by name.

    There is one address for a broker and one for a database, so the oldest of each is served.
    """
    services: list[LocalService] = [BrokerService(broker) for broker in cloud.brokers[:1]]
    services += [DatabaseService(database) for database in cloud.databases[:1]]
    for service in cloud.services:
        services += [
            TaskService(task_name(service, number), service.name, service.container)
            for number in range(1, service.desired_count + 1)
        ]
    return {service.name: service for service in services}


def task_name(service: CloudService, number: int) -> str:
    """Name a task: another deployment has other names, so its tasks start beside the old ones."""
    return f"{service.name}/{service.deployment}/{number}"


def not_served(cloud: Cloud) -> Collection[str]:
    """Name what exists in the control plane and has no data plane here."""
    brokers = [f"broker {extra.broker.name}" for extra in cloud.brokers[1:]]
    databases = [f"database {extra.instance_id}" for extra in cloud.databases[1:]]
    containers = [
        f"container {each.name}/{name}" for each in cloud.services for name in each.beside
    ]
    return brokers + databases + containers


def steps(wanted: Mapping[str, LocalService], running: Mapping[str, RunningService]) -> Steps:
    """
    Find what to begin so that in the end exactly `wanted` runs.

    A changed service is stopped first and started in the round after it has ended, because its
    successor has the same name, port and directory.
    """
    stop = [
        name
        for name, current in running.items()
        if not current.stopping and wanted.get(name) != current.service
    ]
    start = [service for name, service in wanted.items() if name not in running]
    return Steps(tuple(stop), tuple(start))
