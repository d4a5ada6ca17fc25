"""
Stores the settings and the deployments of an ECS service that moto drops.

Without the settings (placement, circuit breaker, ECS Exec) every plan after an apply shows changes,
and a service on capacity providers has the launch type EC2. Without the deployments nothing can be
waited for or rolled back: moto keeps one deployment, which names the first task definition. All of
it is stored on moto's own object and shares its lifetime.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from botocore import xform_name
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs import urls
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api._internal import mock_random

from gradectl.local.desired import HEALTHY, TaskState

_DEPLOYMENT = "deploymentConfiguration"
#: Members of CreateService and UpdateService that DescribeServices returns unchanged.
_STORED = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
)
_HISTORY = "history"
_TASKS = "tasks"
_STOPPED_TASKS = 20
#: Reasons for which a container did not start, in the words of ECS.
_CANNOT = re.compile(r"Cannot(Pull|Start)ContainerError: .*")
#: Status of the deployment that a service works towards.
PRIMARY = "PRIMARY"


class StoringEcsResponse(EC2ContainerServiceResponse):
    """Moto's handlers, which also store the settings of services."""

    def create_service(self) -> ActionResult:
        """Handle CreateService; raises for a placement that ECS rejects."""
        self._check_placement()
        answer = super().create_service()
        service = _service(answer)
        self._store(service, before={})
        vars(service)[_HISTORY] = [*service.deployments]
        return answer

    def update_service(self) -> ActionResult:
        """Handle UpdateService; omitted members keep their values."""
        self._check_placement()
        before = {key: value for each in self._found() for key, value in vars(each).items()}
        deployed = [dict(each) for each in before.get("deployments", [])]
        answer = super().update_service()
        service = _service(answer)
        self._store(service, before)
        if task := self._get_param("taskDefinition"):
            service.task_definition = self.ecs_backend.describe_task_definition(task).arn
        if deployed:
            current = service.deployments[0]
            current.update(deployed[0])  # moto changes the running deployment in place
            changed = service.task_definition != current["taskDefinition"]
            if changed or self._get_param("forceNewDeployment"):
                self._start_deployment(service)
            else:
                current.update(desiredCount=service.desired_count)
        return answer

    def list_service_deployments(self) -> ActionResult:
        """Handle ListServiceDeployments; newest first."""
        briefs = [
            {
                "serviceDeploymentArn": _arn(service, "service-deployment", deployment),
                "serviceArn": service.arn,
                "clusterArn": service.cluster_arn,
                "startedAt": deployment["createdAt"],
                "createdAt": deployment["createdAt"],
                "targetServiceRevisionArn": _arn(service, "service-revision", deployment),
                "status": _status(deployment),
            }
            for service in self._found()
            for deployment in reversed(_history(service))
        ]
        wanted = self._get_param("status") or []
        return ActionResult(
            {"serviceDeployments": [b for b in briefs if not wanted or b["status"] in wanted]}
        )

    def describe_service_revisions(self) -> ActionResult:
        """Handle DescribeServiceRevisions."""
        wanted = self._get_param("serviceRevisionArns") or []
        revisions = [
            self._service_revision(service, deployment)
            for service in list(self.ecs_backend.services.values())
            for deployment in _history(service)
            if _arn(service, "service-revision", deployment) in wanted
        ]
        return ActionResult({"serviceRevisions": revisions, "failures": []})

    def list_tasks(self) -> ActionResult:
        """Handle ListTasks: with a service, the tasks of its data plane."""
        if not (name := self._get_param("serviceName")):
            return super().list_tasks()
        found, _ = self.ecs_backend.describe_services(self._get_param("cluster", "default"), [name])
        desired = self._get_param("desiredStatus") or "RUNNING"
        tasks = [task for service in found for task in _tasks(service).values()]
        arns = [task["taskArn"] for task in tasks if task["desiredStatus"] == desired]
        return ActionResult({"taskArns": arns})

    def describe_tasks(self) -> ActionResult:
        """Handle DescribeTasks: tasks of services, and those that RunTask started."""
        wanted = self._get_param("tasks") or []
        services = list(self.ecs_backend.services.values())
        known = {arn: task for service in services for arn, task in _tasks(service).items()}
        found: list[Any] = [known[arn] for arn in wanted if arn in known]
        others = [arn for arn in wanted if arn not in known]
        if others or not wanted:
            cluster = self._get_param("cluster", "default")
            found += self.ecs_backend.describe_tasks(cluster, others)
        return ActionResult({"tasks": found, "failures": []})

    def _found(self) -> list[Service]:
        """The service of the request; empty for an unknown one."""
        cluster, name = self._get_param("cluster", "default"), self._get_param("service")
        return self.ecs_backend.describe_services(cluster, [name])[0]

    def _service_revision(self, service: Service, deployment: dict[str, Any]) -> dict[str, Any]:
        """The definition of a deployment; ECS adds the digest of each image."""
        task = self.ecs_backend.describe_task_definition(deployment["taskDefinition"])
        images = []
        for container in task.container_definitions:
            image = {"containerName": container["name"], "image": container["image"]}
            if digest := re.search(r"@(sha256:[0-9a-f]{64})$", str(container["image"])):
                image["imageDigest"] = digest[1]
            images.append(image)
        return {
            "serviceRevisionArn": _arn(service, "service-revision", deployment),
            "serviceArn": service.arn,
            "clusterArn": service.cluster_arn,
            "taskDefinition": deployment["taskDefinition"],
            "containerImages": images,
            "createdAt": deployment["createdAt"],
        }

    @staticmethod
    def _start_deployment(service: Service) -> None:
        """
        Add a deployment; the earlier ones stay ACTIVE until it has completed.

        `gradectl.local.control_plane.state` completes it where tasks run.
        """
        now = utcnow()
        for each in service.deployments:
            each.update(status="ACTIVE", updatedAt=now)
        identity = f"ecs-svc/{mock_random.randint(0, 32**12)}"
        none = not service.desired_count
        started = {
            **service.deployments[0],
            "id": identity,
            "status": PRIMARY,
            "taskDefinition": service.task_definition,
            "createdAt": now,
            "updatedAt": now,
            "desiredCount": service.desired_count,
            "runningCount": 0,
            "pendingCount": service.desired_count,
            "failedTasks": 0,
            "rolloutState": "COMPLETED" if none else "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment {identity} "
            + ("completed." if none else "in progress."),
        }
        service.deployments = [started] if none else [started, *service.deployments]
        _history(service).append(started)

    def _check_placement(self) -> None:
        strategy = self._get_param("capacityProviderStrategy") or []
        if strategy and self._get_param("launchType"):
            raise InvalidParameterException(
                "Specifying both a launch type and capacity provider strategy is not supported."
                " Remove one and try again."
            )
        clusters, _ = self.ecs_backend.describe_clusters([self._get_param("cluster", "default")])
        known = {name for cluster in clusters for name in cluster.capacity_providers or ()}
        if any(item["capacityProvider"] not in known for item in strategy):
            raise InvalidParameterException(
                "The specified capacity provider strategy contains a capacity provider that is"
                " not associated with the cluster."
            )

    def _store(self, service: Service, before: dict[str, Any]) -> None:
        given = {name: self._get_param(name) for name in _STORED}
        stored = {xform_name(name): value for name, value in given.items() if value is not None}
        deployment = xform_name(_DEPLOYMENT)
        stored[deployment] = before.get(deployment, {}) | (self._get_param(_DEPLOYMENT) or {})
        vars(service).update(stored)
        if strategy := given["capacityProviderStrategy"]:
            service.launch_type = None  # moto defaults it to EC2
            for each in service.deployments:
                each.update(capacityProviderStrategy=strategy, launchType=None)


def patch_ecs() -> None:
    """Install these handlers in this process."""
    urls.url_paths["{0}/$"] = StoringEcsResponse.dispatch


def store_tasks(
    service: Service,
    tasks: Sequence[TaskState],
    identity: Callable[[Mapping[str, Any]], str],
) -> None:
    """
    Store the tasks of a service; the latest stopped ones are kept, as ECS keeps them for an hour.

    Args:
        service: The service.
        tasks: All its tasks.
        identity: Names a deployment as `TaskState.deployment` does.
    """
    deployments = {identity(each): each for each in _history(service)}
    stopped = {a: t for a, t in _tasks(service).items() if t["desiredStatus"] == "STOPPED"}
    current: dict[str, dict[str, Any]] = {}
    for each in tasks:
        if each.deployment not in deployments:
            continue
        task = _described(service, each, deployments[each.deployment])
        (stopped if each.failure else current)[task["taskArn"]] = task
    kept = list(stopped.items())[-_STOPPED_TASKS:]
    vars(service)[_TASKS] = dict(kept) | current


def _tasks(service: Service) -> dict[str, dict[str, Any]]:
    """The tasks of a service by ARN."""
    tasks: dict[str, dict[str, Any]] = vars(service).get(_TASKS, {})
    return tasks


def _described(service: Service, task: TaskState, deployment: Mapping[str, Any]) -> dict[str, Any]:
    """A task as DescribeTasks returns it."""
    name = f"{service.name}-{task.deployment}-{task.number}.{task.restarts}"
    definition = vars(service)["_backend"].describe_task_definition(deployment["taskDefinition"])
    worker = definition.container_definitions[0]["name"]
    container: dict[str, Any] = {"name": worker, "lastStatus": "RUNNING"}
    answer = {
        "taskArn": f"{service.arn.replace(':service/', ':task/').rpartition('/')[0]}/{name}",
        "clusterArn": service.cluster_arn,
        "taskDefinitionArn": deployment["taskDefinition"],
        "startedBy": deployment["id"],
        "group": f"service:{service.name}",
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING" if task.running else "PENDING",
        "healthStatus": _health(task),
        "containers": [container],
    }
    if not task.failure:
        return answer
    container["lastStatus"] = "STOPPED"
    if cannot := _CANNOT.search(task.failure):
        reason, code = cannot[0], "TaskFailedToStart"
    elif task.exit_status is None:
        reason, code = f"ResourceInitializationError: {task.failure}", "TaskFailedToStart"
    else:
        status = task.exit_status
        container["exitCode"] = status if status >= 0 else 128 - status  # killed by a signal
        reason, code = "Essential container in task exited", "EssentialContainerExited"
    stopped = {"desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
    return {**answer, **stopped, "stopCode": code, "stoppedReason": reason}


def _health(task: TaskState) -> str:
    """The health of a task in the words of ECS."""
    if not task.health:
        return "UNKNOWN"
    return "HEALTHY" if task.health == HEALTHY else "UNHEALTHY"


def _history(service: Service) -> list[dict[str, Any]]:
    """All deployments of a service, oldest first."""
    history: list[dict[str, Any]] = vars(service).setdefault(_HISTORY, [*service.deployments])
    return history


def _status(deployment: dict[str, Any]) -> str:
    """Status of a deployment in the history; one that was replaced before its end is STOPPED."""
    if deployment["rolloutState"] == "FAILED":
        return "ROLLBACK_SUCCESSFUL"
    if deployment["rolloutState"] == "COMPLETED":
        return "SUCCESSFUL"
    return "IN_PROGRESS" if deployment["status"] == PRIMARY else "STOPPED"


def _arn(service: Service, kind: str, deployment: dict[str, Any]) -> str:
    """ARN of a deployment in the history, or of its service revision."""
    identity = str(deployment["id"]).rpartition("/")[2]
    return f"{service.arn.replace(':service/', f':{kind}/')}/{identity}"


def _service(answer: ActionResult) -> Service:
    return cast("dict[str, Service]", answer.result)["service"]
