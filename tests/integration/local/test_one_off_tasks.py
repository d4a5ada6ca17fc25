"""A task of RunTask is one process: its exit ends the task, with its exit code and its log."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ended import has_ended

pytestmark = pytest.mark.engine

GROUP = "/ecs/local-grading"
LOGGING = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": GROUP, "awslogs-stream-prefix": "grading-worker"},
}


class Tasks:
    """Starts one-off tasks in a running stack."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.ecs = account.client("ecs")
        self.ecs.create_cluster(clusterName="local-grading")
        subnets = account.client("ec2").describe_subnets()["Subnets"]
        self.subnet = subnets[0]["SubnetId"]

    def start(self, code: str, *, variables: Any = (), **container: Any) -> str:
        """Run Python code as a task; returns its ARN."""
        definition = self.account.register(logConfiguration=LOGGING, **container)
        override = {
            "name": "grading-worker",
            "command": [sys.executable, "-I", "-c", code],
            "environment": list(variables),
        }
        answer = self.ecs.run_task(
            cluster="local-grading",
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": [self.subnet], "securityGroups": []}
            },
            overrides={"containerOverrides": [override]},
        )
        arn: str = answer["tasks"][0]["taskArn"]
        return arn

    def describe(self, arn: str) -> dict[str, Any]:
        """The task from DescribeTasks."""
        (task,) = self.ecs.describe_tasks(cluster="local-grading", tasks=[arn])["tasks"]
        found: dict[str, Any] = task
        return found

    def ended(self, arn: str) -> dict[str, Any]:
        """Wait until the task has stopped."""
        self.account.until(lambda _: self.describe(arn)["lastStatus"] == "STOPPED")
        return self.describe(arn)


@pytest.fixture(name="tasks", scope="module")
def _tasks(shared_account: Any) -> Tasks:
    return Tasks(shared_account)


def test_a_task_ends_with_the_exit_code_of_its_process(tasks: Tasks) -> None:
    """Its log is in CloudWatch as the awslogs driver writes it, and it is not started again."""
    logs = tasks.account.client("logs")
    logs.create_log_group(logGroupName=GROUP)

    arn = tasks.start(
        "import os; print(os.environ['QUEUE_NAME'], os.environ['ROLE']); raise SystemExit(7)",
        variables=[{"name": "ROLE", "value": "migration"}],
    )
    task = tasks.ended(arn)

    assert (task["desiredStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert task["containers"][0]["exitCode"] == 7
    stream = f"grading-worker/grading-worker/{arn.rpartition('/')[2]}"
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
    assert [each["message"] for each in events] == ["grading-requests migration"]
    assert tasks.account.settle() == {}
    assert tasks.describe(arn)["lastStatus"] == "STOPPED"


def test_a_running_task_has_no_exit_code_and_can_be_stopped(tasks: Tasks) -> None:
    """StopTask ends its process."""
    arn = tasks.start("import signal; signal.pause()")
    (process,) = tasks.account.until(lambda found: any(each.pid for each in found))
    tasks.account.until(lambda _: tasks.describe(arn)["lastStatus"] == "RUNNING")
    assert "exitCode" not in tasks.describe(arn)["containers"][0]

    tasks.ecs.stop_task(cluster="local-grading", task=arn, reason="enough")

    assert has_ended(process.pid or 0)
    assert tasks.account.settle() == {}


def test_a_task_whose_secret_is_missing_does_not_start(tasks: Tasks) -> None:
    """The reason names the parameter, and there is no exit code."""
    secrets = [{"name": "DB_PASSWORD", "valueFrom": "/local/db/password"}]

    task = tasks.ended(tasks.start("pass", secrets=secrets))

    assert task["stopCode"] == "TaskFailedToStart"
    assert "/local/db/password" in task["stoppedReason"]
    assert "exitCode" not in task["containers"][0]


def test_a_forced_deployment_is_in_progress_until_its_own_tasks_run(tasks: Tasks) -> None:
    """The tasks of the deployment before do not count for the new one."""
    tasks.account.create_service(tasks.account.register(), 1)
    before = set(tasks.account.settle())

    answer = tasks.ecs.update_service(
        cluster="local-grading", service="grading", forceNewDeployment=True
    )

    assert answer["service"]["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert not before & set(tasks.account.settle())
    (service,) = tasks.ecs.describe_services(cluster="local-grading", services=["grading"])[
        "services"
    ]
    assert service["deployments"][0]["rolloutState"] == "COMPLETED"
