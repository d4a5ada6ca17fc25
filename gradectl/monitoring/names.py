"""Names of an environment's resources, as the Terraform root gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradectl.environment import Environment
from gradectl.errors import ConfigurationError

#: The ECS services of an environment.
WORKERS, API = "workers", "api"
_API_CONTAINER = "grading-api"


@dataclass(frozen=True)
class ServiceNames:
    """The names of an ECS service, its task definition, its container and its log group."""

    service: str
    task_family: str
    container: str
    log_group: str


@dataclass(frozen=True)
class ResourceNames:
    """
    The names of one environment.

    Attributes:
        environment: Name of the environment.
        cluster: ECS cluster of the workers.
        service: ECS service of the workers.
        task_family: Family of their task definition.
        container: Their container.
        log_group: Their log group.
        broker: The broker of Amazon MQ; empty for an existing one whose name is not given.
        database_user_role: Role of the task that sets up the application user of the database.
        database: The database instance; empty for an existing one whose name is not given.
        has_api: Whether the environment has the HTTP API.
        redis: Its replication group of ElastiCache; empty for none, or an existing one.
    """

    environment: str
    cluster: str
    service: str
    task_family: str
    container: str
    log_group: str
    broker: str
    database_user_role: str
    database: str
    has_api: bool = False
    redis: str = ""

    @property
    def services(self) -> dict[str, ServiceNames]:
        """The ECS services: the workers, and the HTTP API where the environment has it."""
        workers = ServiceNames(self.service, self.task_family, self.container, self.log_group)
        if not self.has_api:
            return {WORKERS: workers}
        name = f"{self.environment}-{_API_CONTAINER}"
        api = ServiceNames(name, f"{name}-task", _API_CONTAINER, f"/ecs/{name}")
        return {WORKERS: workers, API: api}

    @classmethod
    def of(cls, environment: Environment) -> ResourceNames:
        """The names of an environment; those of an existing broker or database are variables."""
        name = f"{environment.name}-grading"
        broker = _existing(environment.variables, "mq_existing")
        database = _existing(environment.variables, "db_existing")
        return cls(
            environment=environment.name,
            cluster=f"{name}-cluster",
            service=f"{name}-service",
            task_family=f"{name}-task",
            container="grading-worker",
            log_group=f"/ecs/{name}",
            broker=f"{name}-mq" if broker is None else str(broker.get("name") or ""),
            database_user_role=f"{name}-database-user",
            database=name if database is None else str(database.get("identifier") or ""),
            has_api=environment.has_api,
            redis=f"{name}-redis" if environment.has_cache else "",
        )


def service_names(environment: Environment, service: str) -> ServiceNames:
    """
    Name the parts of one service.

    Args:
        environment: The environment.
        service: `workers` or `api`.

    Raises:
        ConfigurationError: The environment has no such service.
    """
    found = ResourceNames.of(environment).services.get(service)
    if found is None:
        text = f"{environment.name} has no HTTP API"
        step = f"set enable_api in its environment.yaml, then: gradectl apply {environment.name}"
        raise ConfigurationError(text, where=environment.name, next_step=step)
    return found


def _existing(variables: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The value of a variable that describes an existing resource; None without one."""
    found = variables.get(name)
    return found if isinstance(found, dict) else None
