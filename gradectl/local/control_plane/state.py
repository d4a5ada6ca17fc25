"""Reads what the control plane in this process says, and writes back what really runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend
from moto.ecs.models import EC2ContainerServiceBackend, Service, ecs_backends
from moto.mq.models import MQBackend, mq_backends
from moto.rds.models import RDSBackend, rds_backends
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends

from gradectl.errors import ConfigurationError
from gradectl.local.control_plane.patch_mq import RUNNING, attributes, has_data_plane, in_force
from gradectl.local.desired import (
    Cloud,
    CloudBroker,
    CloudDatabase,
    CloudService,
    Container,
)
from gradectl.local.engines.mariadb import Database

_DEFAULT_STOP_SECONDS = 30  # of ECS
_IDENTITY_DIGITS = 6  # of a deployment's id: enough to tell two of one task definition apart
_Backend = TypeVar("_Backend", bound=BaseBackend)


def observe() -> Cloud:
    """Read everything that needs a data plane."""
    return Cloud(tuple(_brokers()), tuple(_databases()), tuple(_services()))


def parameter(name: str) -> str:
    """
    Read a parameter of Parameter Store by name or ARN, as ECS does for a task's secrets.

    Raises:
        ConfigurationError: There is no such parameter.
    """
    backend: SimpleSystemManagerBackend
    for backend in _each(ssm_backends):
        found = backend.get_parameters([name]).get(name)
        if found is not None:
            return str(found.decrypt(found.value))
    raise ConfigurationError("a task's secret is not in Parameter Store", where=name)


def record_broker(broker_id: str, state: str) -> None:
    """Let DescribeBroker answer with what the data plane does."""
    for backend in _each(mq_backends):
        if broker_id in backend.brokers:
            backend.brokers[broker_id].state = state


def record_tasks(service_name: str, running: int) -> None:
    """Let DescribeServices answer with the number of tasks that run."""
    for backend in _each(ecs_backends):
        for service in list(backend.services.values()):
            if service.name == service_name:
                _record(service, running)


def _record(service: Service, running: int) -> None:
    pending = max(0, service.desired_count - running)
    service.running_count, service.pending_count = running, pending
    for deployment in service.deployments:
        deployment.update(
            runningCount=running,
            pendingCount=pending,
            desiredCount=service.desired_count,
            rolloutState="IN_PROGRESS" if pending else "COMPLETED",
        )


def _each(backends: BackendDict[_Backend]) -> Iterator[_Backend]:
    """Give the backends of all accounts and regions in use; others may come meanwhile."""
    for regions in list(backends.values()):
        yield from list(regions.values())


def _brokers() -> Iterator[CloudBroker]:
    backend: MQBackend
    for backend in _each(mq_backends):
        for broker in list(backend.brokers.values()):
            if has_data_plane(broker) and "in_force" in attributes(broker):
                yield in_force(broker)


def _databases() -> Iterator[CloudDatabase]:
    backend: RDSBackend
    for backend in _each(rds_backends):
        for instance in list(backend.databases.values()):
            if instance.engine in {"mysql", "mariadb"}:
                # moto keeps the password and, like AWS, does not give it; it is needed here
                password = vars(instance)["_master_user_password"] or ""
                user = instance.master_username or ""
                database = Database(user, password, instance.db_name or "")
                yield CloudDatabase(instance.db_instance_identifier, database)


def _services() -> Iterator[CloudService]:
    backend: EC2ContainerServiceBackend
    for backend in _each(ecs_backends):
        for service in list(backend.services.values()):
            if service.status == "ACTIVE" and service.task_definition:
                task = backend.describe_task_definition(service.task_definition)
                identity = str(service.deployments[0]["id"]) if service.deployments else ""
                definitions = task.container_definitions
                chosen = _chosen(definitions)
                yield CloudService(
                    service.name,
                    f"{task.revision}-{identity[-_IDENTITY_DIGITS:]}",
                    service.desired_count,
                    _container(chosen),
                    tuple(str(each["name"]) for each in definitions if each is not chosen),
                )


def _chosen(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    """Take the first essential container: what stands beside it has no data plane here."""
    return next((each for each in definitions if each.get("essential", True)), definitions[0])


def _container(chosen: dict[str, Any]) -> Container:
    return Container(
        command=(*chosen.get("entryPoint", ()), *chosen.get("command", ())),
        environment=tuple((each["name"], each["value"]) for each in chosen["environment"]),
        secrets=tuple((each["name"], each["valueFrom"]) for each in chosen.get("secrets", ())),
        stop_seconds=chosen.get("stopTimeout", _DEFAULT_STOP_SECONDS),
    )


__all__ = ["RUNNING", "observe", "parameter", "record_broker", "record_tasks"]
