"""Checks that read more than one region or cluster, on emulated accounts in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.services import Services
from gradectl.adapters.aws.stored_images import StoredImages
from gradectl.deploy.verify.account_checks import image
from gradectl.deploy.verify.context import VerifyContext
from gradectl.deploy.verify.terraform_state import TerraformState
from gradectl.environment import Environment

HERE, ACCOUNT = "ap-northeast-2", "123456789012"
MEDIA = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Aws(AwsSettings(HERE, ACCOUNT))


def context(aws: Any, name: str) -> VerifyContext:
    """The context of an environment that names its image."""
    environment = Environment(
        schema_version=1,
        name="dev",
        account_id=ACCOUNT,
        region=HERE,
        variables={"grading_container_image": name},
    )
    return VerifyContext(environment, aws, TerraformState())


def test_an_image_of_another_region_is_read_there(aws: Aws) -> None:
    """It exists, so only the way to it is in doubt; a missing one fails."""
    ecr = boto3.client("ecr", region_name="eu-west-1")
    ecr.create_repository(repositoryName="worker")
    manifest = {"schemaVersion": 2, "mediaType": MEDIA, "config": {}, "layers": []}
    ecr.put_image(
        repositoryName="worker",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=MEDIA,
        imageTag="1",
    )
    place = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/worker"

    found, missing = image(context(aws, f"{place}:1")), image(context(aws, f"{place}:2"))

    assert (found.state.value, missing.state.value) == ("warning", "failed")
    assert "another region than the tasks" in found.found
    assert missing.found == f"{place}:2 does not exist"


def test_an_image_of_another_account_that_may_not_be_read_is_not_checked() -> None:
    """The next step is the policy of its repository; the own account's denial stays an error."""
    name = f"999999999999.dkr.ecr.{HERE}.amazonaws.com/worker:1"
    client = boto3.client("ecr", region_name=HERE, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("batch_get_image", "AccessDeniedException", "no", 403)
        aws = SimpleNamespace(stored_images_in=lambda _region: StoredImages(client))
        found = image(context(aws, name))

    assert found.state.value == "not checked"
    assert "in account 999999999999 and could not be read" in found.found
    assert f"arn:aws:iam::{ACCOUNT}:root" in found.next_step


def test_vcpus_of_other_clusters_are_in_use() -> None:
    """Those on Spot have a quota of their own; the own cluster is part of what is needed."""
    client = boto3.client("ecs", region_name=HERE, aws_access_key_id="x", aws_secret_access_key="x")
    arn = f"arn:aws:ecs:{HERE}:{ACCOUNT}:cluster"
    spot = {"cpu": "2048", "capacityProviderName": "FARGATE_SPOT"}
    tasks = [{"cpu": "1024"}, {"cpu": "512", "capacityProviderName": "FARGATE"}, spot]

    def count(*, on_spot: bool) -> float:
        with Stubber(client) as stub:
            clusters = {"clusterArns": [f"{arn}/other", f"{arn}/dev-grading-cluster"]}
            stub.add_response("list_clusters", clusters, {})
            where = {"cluster": f"{arn}/other"}
            listed = {"taskArns": ["a", "b", "c"]}
            stub.add_response("list_tasks", listed, {**where, "launchType": "FARGATE"})
            stub.add_response(
                "describe_tasks", {"tasks": tasks}, {**where, "tasks": ["a", "b", "c"]}
            )
            own = "dev-grading-cluster"
            found = Services(client).fargate_vcpus(spot=on_spot, except_cluster=own)
            stub.assert_no_pending_responses()
        return found

    assert count(on_spot=False) == 1.5
    assert count(on_spot=True) == 2.0
