"""Reads the desired state from the control plane of this process, and records the actual state."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend
from moto.ecr.models import ECRBackend, ecr_backends
from moto.ecs.models import EC2ContainerServiceBackend, Service, ecs_backends
from moto.elasticache.models import ElastiCacheBackend, elasticache_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.logs.models import LogsBackend, logs_backends
from moto.mq.models import MQBackend, mq_backends
from moto.rds.models import RDSBackend, rds_backends
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends

from gradectl.errors import ConfigurationError
from gradectl.local.control_plane.patch_ecs import PRIMARY, store_tasks
from gradectl.local.control_plane.patch_elasticache import AVAILABLE, described
from gradectl.local.control_plane.patch_load_balancers import set_targets
from gradectl.local.control_plane.patch_mq import RUNNING, applied, attributes, has_data_plane
from gradectl.local.control_plane.patch_tasks import (
    RUNNING as TASK_RUNNING,
)
from gradectl.local.control_plane.patch_tasks import (
    STOPPED,
    ProcessTask,
    record,
)
from gradectl.local.desired import (
    HEALTHY,
    Cloud,
    CloudBroker,
    CloudCache,
    CloudDatabase,
    CloudService,
    CloudTask,
    Container,
    TaskState,
)
from gradectl.local.engines.mariadb import Database

_DEFAULT_STOP_SECONDS = 30  # of ECS
_IDENTITY_DIGITS = 6  # of a deployment's id: distinguishes deployments of one task definition
_Backend = TypeVar("_Backend", bound=BaseBackend)


def observe() -> Cloud:
    """Read all resources that need a data plane."""
    return Cloud(
        tuple(_brokers()),
        tuple(_databases()),
        tuple(_services()),
        tuple(_one_off_tasks()),
        tuple(_repositories()),
        tuple(_caches()),
    )


def parameter(name: str) -> str:
    """
    Read a parameter of Parameter Store by name or ARN, as ECS does for a task's secrets.

    Raises:
        ConfigurationError: The parameter does not exist.
    """
    backend: SimpleSystemManagerBackend
    for backend in _each(ssm_backends):
        found = backend.get_parameters([name]).get(name)
        if found is not None:
            return str(found.decrypt(found.value))
    raise ConfigurationError("a task's secret is not in Parameter Store", where=name)


def record_broker(broker_id: str, state: str) -> None:
    """Set the broker state that DescribeBroker returns."""
    for backend in _each(mq_backends):
        if broker_id in backend.brokers:
            backend.brokers[broker_id].state = state


def record_cache(group_id: str, status: str) -> None:
    """Set the status that DescribeReplicationGroups returns, until the group was created."""
    backend: ElastiCacheBackend
    for backend in _each(elasticache_backends):
        group = backend.replication_groups.get(group_id)
        if group and group.status != AVAILABLE:
            group.status = status


def record_targets(target_group: str, ports: Sequence[int]) -> None:
    """Set the healthy targets that DescribeTargetHealth returns."""
    backend: ELBv2Backend
    for backend in _each(elbv2_backends):
        if found := backend.target_groups.get(target_group):
            set_targets(found, ports)


def record_tasks(service_name: str, tasks: Sequence[TaskState]) -> None:
    """Set the tasks of a service, which DescribeServices counts and ListTasks lists."""
    for backend in _each(ecs_backends):
        for service in list(backend.services.values()):
            if service.name == service_name:
                _record(service, tasks, serves=_serves(backend, service))
                store_tasks(service, tasks, deployment_identity)


def record_task_running(task_id: str) -> None:
    """Set the state of a task of RunTask whose process runs."""
    for _, task in _find_task(task_id):
        record(task, TASK_RUNNING, exit_code=None, reason="")


def record_task_end(task_id: str, exit_code: int | None, reason: str, lines: Sequence[str]) -> None:
    """
    Set the final state of a task of RunTask, and store its log as the awslogs driver does.

    Args:
        task_id: The task.
        exit_code: Exit code of its process; None when it did not start.
        reason: Why it stopped.
        lines: What it wrote.
    """
    for backend, task in _find_task(task_id):
        definition = backend.describe_task_definition(task.task_definition_arn)
        _store_log(_main_container(definition.container_definitions), task_id, lines)
        record(task, STOPPED, exit_code=exit_code, reason=reason)


def _find_task(task_id: str) -> Iterator[tuple[EC2ContainerServiceBackend, ProcessTask]]:
    backend: EC2ContainerServiceBackend
    for backend in _each(ecs_backends):
        for tasks in list(backend.tasks.values()):
            for task in list(tasks.values()):
                if task.id == task_id and isinstance(task, ProcessTask):
                    yield backend, task


def _store_log(definition: dict[str, Any], task_id: str, lines: Sequence[str]) -> None:
    """Write the lines to the stream of the container; a missing log group is ignored."""
    options = (definition.get("logConfiguration") or {}).get("options") or {}
    group, prefix = options.get("awslogs-group"), options.get("awslogs-stream-prefix")
    now_ms = int(time.time() * 1000)
    backend: LogsBackend
    for backend in _each(logs_backends):
        if group in backend.groups and prefix and lines:
            stream = f"{prefix}/{definition['name']}/{task_id}"
            backend.create_log_stream(group, stream)
            events = [{"timestamp": now_ms, "message": line} for line in lines]
            backend.put_log_events(group, stream, events)


def _serves(backend: EC2ContainerServiceBackend, service: Service) -> Callable[[TaskState], bool]:
    """Whether a task counts for its deployment: it runs, and its health check passes if any."""
    task = backend.describe_task_definition(service.task_definition or "")
    checked = "healthCheck" in _main_container(task.container_definitions) or _target_group(service)
    return lambda each: each.running and (each.health == HEALTHY or not checked)


def _record(
    service: Service, tasks: Sequence[TaskState], *, serves: Callable[[TaskState], bool]
) -> None:
    """As ECS: a deployment completes once, and the earlier ones leave with their last task."""
    running = Counter(each.deployment for each in tasks if each.running)
    serving = Counter(each.deployment for each in tasks if serves(each))
    failed: Counter[str] = Counter()
    for each in tasks:
        failed[each.deployment] += each.restarts
    service.running_count = running.total()
    service.pending_count = max(0, service.desired_count - service.running_count)
    for deployment in service.deployments:
        name = deployment_identity(deployment)
        primary = deployment["status"] == PRIMARY
        desired = service.desired_count if primary else 0
        deployment.update(
            runningCount=running[name],
            pendingCount=max(0, desired - running[name]),
            desiredCount=desired,
            failedTasks=failed[name],
        )
        if primary and serving[name] >= desired:
            reason = f"ECS deployment {deployment['id']} completed."
            deployment.update(rolloutState="COMPLETED", rolloutStateReason=reason)
    service.deployments = [
        each for each in service.deployments if each["status"] == PRIMARY or each["runningCount"]
    ]


def deployment_identity(deployment: Mapping[str, Any]) -> str:
    """Revision and end of the id of a deployment, for the names of its tasks."""
    revision = str(deployment["taskDefinition"]).rpartition(":")[2]
    return f"{revision}-{str(deployment['id'])[-_IDENTITY_DIGITS:]}"


def _each(backends: BackendDict[_Backend]) -> Iterator[_Backend]:
    """Yield the backends of all accounts and regions in use; others may be added meanwhile."""
    for regions in list(backends.values()):
        yield from list(regions.values())


def _brokers() -> Iterator[CloudBroker]:
    backend: MQBackend
    for backend in _each(mq_backends):
        for broker in list(backend.brokers.values()):
            if has_data_plane(broker) and "applied" in attributes(broker):
                yield applied(broker)


def _databases() -> Iterator[CloudDatabase]:
    backend: RDSBackend
    for backend in _each(rds_backends):
        for instance in list(backend.databases.values()):
            if instance.engine in {"mysql", "mariadb"}:
                # like AWS, moto has no call that returns the password
                password = vars(instance)["_master_user_password"] or ""
                user = instance.master_username or ""
                database = Database(user, password, instance.db_name or "")
                yield CloudDatabase(instance.db_instance_identifier, database)


def _caches() -> Iterator[CloudCache]:
    backend: ElastiCacheBackend
    for backend in _each(elasticache_backends):
        for group in list(backend.replication_groups.values()):
            yield CloudCache(group.replication_group_id, described(group))


def _repositories() -> Iterator[str]:
    backend: ECRBackend
    for backend in _each(ecr_backends):
        yield from list(backend.repositories)


def _services() -> Iterator[CloudService]:
    backend: EC2ContainerServiceBackend
    for backend in _each(ecs_backends):
        for service in list(backend.services.values()):
            if service.status == "ACTIVE" and service.task_definition:
                task = backend.describe_task_definition(service.task_definition)
                deployments = service.deployments
                identity = deployment_identity(deployments[0]) if deployments else "0"
                definitions = task.container_definitions
                main = _main_container(definitions)
                yield CloudService(
                    service.name,
                    identity,
                    service.desired_count,
                    _container(main),
                    tuple(str(each["name"]) for each in definitions if each is not main),
                    _target_group(service),
                )


def _target_group(service: Service) -> str:
    """ARN of the targets that the tasks of a service are; empty for none."""
    return next((str(each["targetGroupArn"]) for each in service.load_balancers), "")


def _one_off_tasks() -> Iterator[CloudTask]:
    backend: EC2ContainerServiceBackend
    for backend in _each(ecs_backends):
        for tasks in list(backend.tasks.values()):
            for task in list(tasks.values()):
                if isinstance(task, ProcessTask) and task.desired_status != STOPPED:
                    definition = backend.describe_task_definition(task.task_definition_arn)
                    main = _main_container(definition.container_definitions)
                    changes = task.overrides.get("containerOverrides", ())
                    change = {each["name"]: each for each in changes}.get(main["name"], {})
                    yield CloudTask(str(task.id), _overridden(main, change))


def _overridden(definition: dict[str, Any], change: dict[str, Any]) -> Container:
    """Return a container with the overrides of RunTask."""
    command = {"command": change["command"]} if change.get("command") else {}
    container = _container({**definition, **command})
    added = {each["name"]: each["value"] for each in change.get("environment") or ()}
    return replace(container, environment=tuple((dict(container.environment) | added).items()))


def _main_container(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first essential container; sidecars have no data plane here."""
    return next((each for each in definitions if each.get("essential", True)), definitions[0])


def _container(definition: dict[str, Any]) -> Container:
    capabilities = (definition.get("linuxParameters") or {}).get("capabilities") or {}
    mounts = definition.get("mountPoints") or ()
    return Container(
        command=(*definition.get("entryPoint", ()), *definition.get("command", ())),
        environment=tuple((each["name"], each["value"]) for each in definition["environment"]),
        secrets=tuple((each["name"], each["valueFrom"]) for each in definition.get("secrets", ())),
        stop_seconds=definition.get("stopTimeout", _DEFAULT_STOP_SECONDS),
        image=str(definition["image"]),
        has_entry_point=bool(definition.get("entryPoint")),
        writable_paths=tuple(each["containerPath"] for each in mounts if not each.get("readOnly")),
        dropped_capabilities=tuple(capabilities.get("drop") or ()),
        user=str(definition.get("user") or ""),
    )


__all__ = [
    "RUNNING",
    "observe",
    "parameter",
    "record_broker",
    "record_cache",
    "record_targets",
    "record_task_end",
    "record_task_running",
    "record_tasks",
]
