"""An account in this process with the service of an environment, for tests of commands."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
import yaml
from in_process import CommandResult, run
from moto import mock_aws
from moto.ecs.models import Service, ecs_backends

from gradectl.local.control_plane.patch_ecs import patch_ecs

SCHEMAS = Path(__file__).resolve().parents[4] / "docs" / "schemas" / "cli"
REGION, ACCOUNT, NAME = "ap-northeast-2", "123456789012", "dev"
BREAKER = {"enable": True, "rollback": True}


class PublishedResult(CommandResult):
    """A result whose document has a published schema."""

    @property
    def document(self) -> Any:
        """The output as JSON, checked against its schema."""
        found = super().document
        schema = json.loads((SCHEMAS / f"{found['kind']}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(found)
        return found


@dataclass(frozen=True)
class DevAccount:
    """The account of the environment `dev`, and its project."""

    root: Path

    def client(self, service: str) -> Any:
        """A client of the account."""
        return boto3.client(service, region_name=REGION)

    def gradectl(
        self, *arguments: str, out: io.StringIO | None = None, **environ: str
    ) -> PublishedResult:
        """Run a command in this process; see `in_process.run`."""
        done = run(self.root, {**os.environ, **environ}, *arguments, out=out)
        return PublishedResult(done.code, done.stdout, done.stderr)

    def register(self, image: str) -> str:
        """Register a revision of the task definition; returns its ARN."""
        answer = self.client("ecs").register_task_definition(
            family=f"{NAME}-grading-task",
            containerDefinitions=[{"name": "grading-worker", "image": image, "memory": 1024}],
        )
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create_service(self, task_definition: str, desired: int = 0) -> None:
        """Create cluster and service."""
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=f"{NAME}-grading-cluster")
        ecs.create_service(
            cluster=f"{NAME}-grading-cluster",
            serviceName=f"{NAME}-grading-service",
            taskDefinition=task_definition,
            desiredCount=desired,
            deploymentConfiguration={
                "deploymentCircuitBreaker": {"enable": True, "rollback": True}
            },
        )

    def deploy(self, task_definition: str) -> None:
        """Deploy a task definition; it completes at once while the desired count is 0."""
        self.client("ecs").update_service(
            cluster=f"{NAME}-grading-cluster",
            service=f"{NAME}-grading-service",
            taskDefinition=task_definition,
        )

    @property
    def service(self) -> Service:
        """The service as the emulated ECS keeps it."""
        (found,) = ecs_backends[ACCOUNT][REGION].services.values()
        return found


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DevAccount]:
    """An empty account, and a project with the environment `dev`."""
    folder = tmp_path / "environments" / NAME
    folder.mkdir(parents=True)
    content = {"schema_version": 1, "name": NAME, "account_id": ACCOUNT, "region": REGION}
    (folder / "environment.yaml").write_text(yaml.safe_dump(content))
    for name in [each for each in os.environ if each.startswith(("AWS_", "GRADECTL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GRADECTL_LOCAL_DIR", str(tmp_path / "no-stack"))
    patch_ecs()
    with mock_aws():
        yield DevAccount(tmp_path)
