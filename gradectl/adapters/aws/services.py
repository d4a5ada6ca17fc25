"""ECS services: deployments, tasks, and the revisions of task definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradectl.adapters.aws.ecs_models import (
    EcsDeployment,
    EcsService,
    EcsTask,
    PastDeployment,
    ServiceEvent,
    TaskRevision,
)
from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.models import ServiceNetwork
from gradectl.errors import GradectlError

_LATEST_EVENTS = 10
_PAGE = 20  # maximum of DescribeServiceRevisions
_TASKS_PAGE = 100  # maximum of DescribeTasks
_SLOTS = "WORKER_SLOTS"  # a setting of the worker
_INACTIVE = "INACTIVE"
_CPU_UNITS = 1024  # of a vCPU


class Services:
    """
    ECS.

    Args:
        client: A boto3 client of `ecs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def get(self, cluster: str, name: str) -> EcsService:
        """
        Describe a service.

        Raises:
            GradectlError: The service does not exist.
        """
        found = self.find(cluster, name)
        if found is None:
            text = "service not found"
            where = f"ECS service {cluster}/{name}"
            raise GradectlError(text, where=where, next_step="gradectl apply creates it")
        return found

    def find(self, cluster: str, name: str) -> EcsService | None:
        """Describe a service; None when it or its cluster does not exist."""
        with translated(f"ECS service {cluster}/{name}"):
            try:
                answer = self._client.describe_services(cluster=cluster, services=[name])
            except self._client.exceptions.ClusterNotFoundException:
                return None
        found = [each for each in answer["services"] if each.get("status") != _INACTIVE]
        return _service(found[0]) if found else None

    def network(self, cluster: str, name: str) -> ServiceNetwork | None:
        """Read network and roles of a service; None when it does not exist."""
        with translated(f"ECS service {cluster}/{name}"):
            if not self.cluster_exists(cluster):
                return None
            found = self._client.describe_services(cluster=cluster, services=[name])["services"]
            active = [one for one in found if one.get("status") != "INACTIVE"]
            if not active:
                return None
            definition = self._client.describe_task_definition(
                taskDefinition=active[0]["taskDefinition"]
            )["taskDefinition"]
        vpc = (active[0].get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
        return ServiceNetwork(
            tuple(vpc.get("subnets") or ()),
            tuple(vpc.get("securityGroups") or ()),
            vpc.get("assignPublicIp") == "ENABLED",
            definition.get("taskRoleArn", ""),
            definition.get("executionRoleArn", ""),
        )

    def cluster_exists(self, name: str) -> bool:
        """Whether a cluster exists and was not deleted."""
        with translated(f"ECS cluster {name}"):
            found = self._client.describe_clusters(clusters=[name])["clusters"]
        return any(one.get("status") != "INACTIVE" for one in found)

    def fargate_vcpus(self, *, spot: bool, except_cluster: str) -> float:
        """
        Count the vCPUs of all running tasks on Fargate in the region.

        Args:
            spot: Whether to count those on Spot, which have a quota of their own, or the others.
            except_cluster: Name of a cluster that is left out.
        """
        units = 0.0
        with translated("tasks on Fargate"):
            pages = self._client.get_paginator("list_clusters").paginate()
            clusters = [arn for page in pages for arn in page["clusterArns"]]
            for cluster in clusters:
                if cluster.rpartition("/")[2] == except_cluster:
                    continue
                found = self._client.get_paginator("list_tasks").paginate(
                    cluster=cluster, launchType="FARGATE"
                )
                arns = [arn for page in found for arn in page["taskArns"]]
                for some in _pages(arns, _TASKS_PAGE):
                    tasks = self._client.describe_tasks(cluster=cluster, tasks=some)["tasks"]
                    units += sum(
                        float(task.get("cpu") or 0)
                        for task in tasks
                        if (task.get("capacityProviderName") == "FARGATE_SPOT") is spot
                    )
        return units / _CPU_UNITS

    def deploy(self, cluster: str, name: str, task_definition: str) -> str:
        """
        Replace all tasks by new ones of a task definition, without waiting.

        Returns:
            The id of the new deployment; empty when ECS names none.
        """
        with translated(f"ECS service {cluster}/{name}"):
            answer = self._client.update_service(
                cluster=cluster,
                service=name,
                taskDefinition=task_definition,
                forceNewDeployment=True,
            )
        primary = _service(answer["service"]).primary
        return primary.deployment_id if primary else ""

    def set_desired(self, cluster: str, name: str, count: int) -> None:
        """Set the desired number of tasks, without waiting."""
        with translated(f"ECS service {cluster}/{name}"):
            self._client.update_service(cluster=cluster, service=name, desiredCount=count)

    def execute(self, cluster: str, task: str, container: str, command: str) -> dict[str, str]:
        """
        Start a session in a container.

        Returns:
            The session with its token, for the Session Manager plugin.

        Raises:
            GradectlError: The task has ended, or its agent does not run.
        """
        with translated(f"ECS task {cluster}/{task}"):
            answer = self._client.execute_command(
                cluster=cluster, task=task, container=container, command=command, interactive=True
            )
        session: dict[str, str] = answer["session"]
        # The plugin expects the members as Session Manager names them.
        return {f"{name[0].upper()}{name[1:]}": value for name, value in session.items()}

    def tasks(self, cluster: str, name: str) -> tuple[EcsTask, ...]:
        """The running and starting tasks of a service."""
        return self._tasks(cluster, name, "RUNNING")

    def stopped_tasks(self, cluster: str, name: str) -> tuple[EcsTask, ...]:
        """The tasks of a service that stopped within about the last hour."""
        return self._tasks(cluster, name, "STOPPED")

    def _tasks(self, cluster: str, name: str, desired: str) -> tuple[EcsTask, ...]:
        with translated(f"ECS service {cluster}/{name}"):
            pages = self._client.get_paginator("list_tasks").paginate(
                cluster=cluster, serviceName=name, desiredStatus=desired
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
            found = []
            for some in _pages(arns, _TASKS_PAGE):
                found += self._client.describe_tasks(cluster=cluster, tasks=some)["tasks"]
        return tuple(_task(each) for each in found)

    def revision(self, name: str, container: str) -> TaskRevision:
        """
        Describe a revision of a task definition.

        Args:
            name: Its ARN, or family and revision.
            container: The container whose image is returned.

        Raises:
            GradectlError: It does not exist.
        """
        with translated(f"task definition {name}"):
            answer = self._client.describe_task_definition(taskDefinition=name)
        return _revision(answer["taskDefinition"], container)

    def revisions(self, family: str, container: str, limit: int) -> tuple[TaskRevision, ...]:
        """The latest revisions of a family that can be deployed, newest first."""
        with translated(f"task definition {family}"):
            pages = self._client.get_paginator("list_task_definitions").paginate(
                familyPrefix=family, status="ACTIVE", sort="DESC"
            )
            arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
        # The prefix also matches longer names, and the emulation does not sort.
        own = [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == family]
        newest = sorted(own, key=lambda arn: int(arn.rpartition(":")[2]), reverse=True)
        return tuple(self.revision(arn, container) for arn in newest[:limit])

    def history(self, cluster: str, name: str, container: str) -> tuple[PastDeployment, ...]:
        """The deployments of the last 90 days, newest first."""
        with translated(f"ECS service {cluster}/{name}"):
            found = self._past(cluster, name)
            arns = sorted({each["targetServiceRevisionArn"] for each in found})
            revisions: dict[str, dict[str, Any]] = {}
            for some in _pages(arns, _PAGE):
                answer = self._client.describe_service_revisions(serviceRevisionArns=some)
                revisions |= {
                    each["serviceRevisionArn"]: each for each in answer["serviceRevisions"]
                }
        past = [
            PastDeployment(
                revision["taskDefinition"],
                each["status"],
                each["createdAt"],
                _resolved_image(revision, container),
            )
            for each in found
            if (revision := revisions.get(each["targetServiceRevisionArn"]))
        ]
        return tuple(sorted(past, key=lambda each: each.created_at, reverse=True))

    def _past(self, cluster: str, name: str) -> list[dict[str, Any]]:
        """All pages of ListServiceDeployments, for which boto3 has no paginator."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while not found or page.get("nextToken"):
            more = {"nextToken": page["nextToken"]} if page else {}
            page = self._client.list_service_deployments(cluster=cluster, service=name, **more)
            found += page["serviceDeployments"]
            if not page["serviceDeployments"]:
                break
        return found


def _pages(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _service(found: dict[str, Any]) -> EcsService:
    configuration = found.get("deploymentConfiguration") or {}
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    network = (found.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return EcsService(
        name=found["serviceName"],
        desired=found["desiredCount"],
        running=found["runningCount"],
        pending=found.get("pendingCount", 0),
        task_definition=found.get("taskDefinition", ""),
        deployments=tuple(_deployment(each) for each in found.get("deployments", [])),
        events=tuple(
            ServiceEvent(event["createdAt"], event["message"])
            for event in found.get("events", [])[:_LATEST_EVENTS]
        ),
        exec_enabled=bool(found.get("enableExecuteCommand")),
        rolls_back=bool(breaker.get("enable") and breaker.get("rollback")),
        security_groups=tuple(network.get("securityGroups", ())),
        target_groups=tuple(
            each["targetGroupArn"]
            for each in found.get("loadBalancers", [])
            if "targetGroupArn" in each
        ),
    )


def _deployment(found: dict[str, Any]) -> EcsDeployment:
    return EcsDeployment(
        deployment_id=found["id"],
        task_definition=found.get("taskDefinition", ""),
        status=found.get("status", ""),
        rollout=found.get("rolloutState", ""),
        reason=found.get("rolloutStateReason", ""),
        desired=found.get("desiredCount", 0),
        running=found.get("runningCount", 0),
        pending=found.get("pendingCount", 0),
        failed=found.get("failedTasks", 0),
        created_at=found.get("createdAt"),
    )


def _task(found: dict[str, Any]) -> EcsTask:
    containers = found.get("containers", [])
    return EcsTask(
        task_id=found["taskArn"].rpartition("/")[2],
        task_definition=found.get("taskDefinitionArn", ""),
        deployment_id=found.get("startedBy", ""),
        state=found.get("lastStatus", ""),
        health=found.get("healthStatus", ""),
        stop_code=found.get("stopCode", ""),
        stopped_reason=found.get("stoppedReason", ""),
        exit_codes={each["name"]: each["exitCode"] for each in containers if "exitCode" in each},
        container_reasons={each["name"]: each["reason"] for each in containers if "reason" in each},
        runtime_ids={each["name"]: each.get("runtimeId", "") for each in containers},
    )


def _revision(found: dict[str, Any], container: str) -> TaskRevision:
    containers = found["containerDefinitions"]
    worker: dict[str, Any] = next((e for e in containers if e["name"] == container), {})
    settings = {each["name"]: each["value"] for each in worker.get("environment", ())}
    slots = settings.get(_SLOTS, "1")
    return TaskRevision(
        arn=found["taskDefinitionArn"],
        image=worker.get("image", ""),
        registered_at=found.get("registeredAt"),
        registered_by=found.get("registeredBy", ""),
        cpu=str(found.get("cpu", "")),
        memory=str(found.get("memory", "")),
        active=found.get("status") != _INACTIVE,
        slots=int(slots) if slots.isdecimal() else 1,
    )


def _resolved_image(revision: dict[str, Any], container: str) -> str:
    """The image of a container with its digest, as ECS resolved the tag when it deployed."""
    for each in revision.get("containerImages", []):
        if each.get("containerName") == container:
            image, digest = str(each.get("image", "")), str(each.get("imageDigest", ""))
            return f"{image.partition('@')[0]}@{digest}" if digest else image
    return ""
