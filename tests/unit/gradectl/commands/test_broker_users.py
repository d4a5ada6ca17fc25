"""`gradectl broker-users sync` and the workers, on emulated services in this process."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from in_process import CommandResult, run

PASSWORD = "/exams/worker/mq-password"
CLUSTER, SERVICE = "dev-grading-cluster", "dev-grading-service"


class ActsAt(io.StringIO):
    """A stream on which something happens once, when certain words are written to it."""

    def __init__(self, words: str, action: Callable[[], object]) -> None:
        super().__init__()
        self._words, self._action = words, action

    def write(self, text: str) -> int:
        """Write, and act."""
        count = super().write(text)
        if self._words and self._words in text:
            self._words = ""
            self._action()
        return count


@dataclass
class Root:
    """A root with a broker, one worker and the outputs of it, in an emulated account."""

    dev: Any
    revisions: tuple[str, ...]
    broker_id: str

    def sync(
        self, *words: str, at: str = "", do: Callable[[], object] = object, **outputs: Any
    ) -> CommandResult:
        """Sync from outputs, and do something while it says certain words."""
        values = {
            "broker_id": self.broker_id,
            "broker_users": {"worker": PASSWORD, "admin": None},
            "cluster_name": CLUSTER,
            "service_name": SERVICE,
            "task_definition_arn": self.revisions[1],
            **outputs,
        }
        document = {name: {"value": value} for name, value in values.items()}
        (self.dev.root / "outputs.json").write_text(json.dumps(document))
        return self.run(
            "--outputs", "outputs.json", "--region", "ap-northeast-2", *words, at=at, do=do
        )

    def run(self, *words: str, at: str = "", do: Callable[[], object] = object) -> CommandResult:
        """Sync."""
        command = ("broker-users", "sync", *words, "--yes", "-o", "json")
        return run(self.dev.root, dict(os.environ), *command, errors=ActsAt(at, do))

    def becomes(self, rollout: str, running: int, revision: int = 1) -> None:
        """Set the state of the service."""
        service = self.dev.service
        service.running_count, service.task_definition = running, self.revisions[revision]
        service.deployments[0].update(
            rolloutState=rollout, runningCount=running, taskDefinition=self.revisions[revision]
        )

    @property
    def deployed(self) -> str:
        """The revision that the service deploys."""
        return str(self.dev.service.task_definition).rpartition("/")[2]


@pytest.fixture
def root(dev: Any) -> Root:
    """Its workers do not run, because the broker has other passwords."""
    revisions = tuple(dev.register(f"worker:{number}") for number in (1, 2, 3))
    dev.create_service(revisions[0], desired=1)
    dev.deploy(revisions[1])
    dev.client("ssm").put_parameter(Name=PASSWORD, Value="a-password-of-it", Type="SecureString")
    broker = dev.client("mq").create_broker(
        BrokerName="dev-grading-mq",
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        HostInstanceType="mq.t3.micro",
        DeploymentMode="SINGLE_INSTANCE",
        AutoMinorVersionUpgrade=True,
        PubliclyAccessible=False,
        Users=[{"Username": name, "Password": "throw-away-it"} for name in ("admin", "worker")],
        Tags={"gradectl:user:worker": "1", "gradectl:user:admin": "disabled"},
    )
    made = Root(dev, revisions, broker["BrokerId"])
    made.becomes("IN_PROGRESS", 0)
    return made


def forget(root: Root) -> None:
    """Let the broker have the passwords that it was created with."""
    mq = root.dev.client("mq")
    arn = mq.describe_broker(BrokerId=root.broker_id)["BrokerArn"]
    mq.delete_tags(ResourceArn=arn, TagKeys=["gradectl:user:worker"])


def test_workers_that_do_not_run_are_deployed_after_the_reboot(root: Root) -> None:
    """The usual case, after the first apply."""
    forget(root)

    done = root.sync("--no-wait")

    assert done.code == 0, done.stderr
    assert (done.document["rebooted"], done.document["redeployed"]) == (True, "dev-grading-task:2")
    assert done.stderr.index("would deploy") < done.stderr.index("rebooting broker")
    assert "\ndeploying dev-grading-task:2 again" in done.stderr


def test_a_revision_that_was_deployed_during_the_reboot_stays(root: Root) -> None:
    """The pipeline of somebody else started it after the question."""
    forget(root)

    done = root.sync(at="rebooting broker", do=lambda: root.dev.deploy(root.revisions[2]))

    assert done.code == 0, done.stderr
    assert (done.document["rebooted"], done.document["redeployed"]) == (True, None)
    assert "another revision runs, dev-grading-task:3" in done.stderr
    assert root.deployed == "dev-grading-task:3"


def test_workers_that_ran_again_during_the_reboot_keep_their_jobs(root: Root) -> None:
    """ECS started them with the right password meanwhile."""
    forget(root)

    done = root.sync(at="rebooting broker", do=lambda: root.becomes("COMPLETED", 1))

    assert done.code == 0, done.stderr
    assert done.document["redeployed"] is None
    assert "dev-grading-task:2 no longer has to be deployed again" in done.stderr
    assert "\ndeploying" not in done.stderr


def test_passwords_of_the_state_are_reported_also_when_the_workers_do_not_start(
    root: Root,
) -> None:
    """Exit code 4 as without the failure, with both errors."""
    root.becomes("FAILED", 0)

    done = root.sync(
        broker_users={"worker": PASSWORD},
        at="waiting: 0 of 1",
        do=lambda: root.becomes("FAILED", 0),
    )

    assert done.code == 4, done.stderr
    assert done.document["redeployed"] == "dev-grading-task:2"
    assert "users with the password that they were created with: admin" in done.stderr
    assert "the deployment of dev-grading-task:2 did not complete" in done.stderr


def test_a_failure_of_the_workers_alone_keeps_its_exit_code(root: Root) -> None:
    """All users are named."""
    root.becomes("FAILED", 0)

    done = root.sync(at="waiting: 0 of 1", do=lambda: root.becomes("FAILED", 0))

    assert done.code == 1, done.stderr
    assert "the deployment of dev-grading-task:2 did not complete" in done.stderr


def test_a_failed_deployment_of_a_pipeline_is_repeated_only_when_it_is_named(root: Root) -> None:
    """With no user changed; --service names it."""
    root.becomes("FAILED", 0)

    left = root.sync("--no-wait", task_definition_arn=None)
    named = root.sync("--no-wait", "--service", f"{CLUSTER}/{SERVICE}", task_definition_arn=None)

    assert left.document["redeployed"] is None
    assert named.document["redeployed"] == "dev-grading-task:2"


def test_a_deployment_of_an_environment_that_ecs_rolled_back_is_repeated(root: Root) -> None:
    """The history of the service has its revision; one that a person chose stays."""
    latest = root.dev.service.deployments[0]
    latest.update(rolloutState="FAILED", status="INACTIVE")
    back = {**latest, "id": "ecs-svc/1", "status": "PRIMARY"}  # not one of the history
    root.dev.service.deployments = [back]
    root.becomes("COMPLETED", 1, revision=0)

    found = root.run("dev", "--disable", "admin", "--keep", "worker", "--dry-run")

    assert found.code == 0, found.stderr
    assert found.document["redeployed"] == "dev-grading-task:2"
    for revision in (root.revisions[2], root.revisions[0]):
        root.dev.deploy(revision)
    found = root.run("dev", "--disable", "admin", "--keep", "worker", "--dry-run")
    assert found.document["redeployed"] is None
