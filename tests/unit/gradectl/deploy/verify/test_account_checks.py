"""Checks that read more than one region or cluster, on emulated accounts in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.keys import Keys
from gradectl.adapters.aws.services import Services
from gradectl.adapters.aws.stored_images import StoredImages
from gradectl.deploy.verify.account_checks import image, kms_key
from gradectl.deploy.verify.context import VerifyContext
from gradectl.deploy.verify.terraform_state import TerraformState
from gradectl.environment import Environment

ROOT = Path(__file__).resolve().parents[5]
KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/1234"
HERE, ACCOUNT = "ap-northeast-2", "123456789012"
MEDIA = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Aws(AwsSettings(HERE, ACCOUNT))


def context(aws: Any, name: str | None) -> VerifyContext:
    """The context of an environment that names its image, or none."""
    environment = Environment(
        schema_version=1,
        name="dev",
        account_id=ACCOUNT,
        region=HERE,
        variables={"grading_container_image": name} if name else {},
    )
    return VerifyContext(environment, aws, TerraformState())


def readme_policy() -> dict[str, Any]:
    """The key policy of the README, which is for this account and region."""
    text = (ROOT / "environments/README.md").read_text().partition("## The KMS key")[2]
    policy: dict[str, Any] = json.loads(text.partition("```json\n")[2].partition("```")[0])
    return policy


def key_results(policy: dict[str, Any], **variables: Any) -> list[tuple[str, str]]:
    """State and text of the check of a key with this policy."""
    client = boto3.client("kms", region_name=HERE, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        asked = {"KeyId": variables.get("kms_key_arn", KEY), "PolicyName": "default"}
        stub.add_response("get_key_policy", {"Policy": json.dumps(policy)}, asked)
        where = context(SimpleNamespace(keys=Keys(client)), "i")
        values = {"kms_key_arn": KEY, **variables}
        environment = where.environment.model_copy(update={"variables": values})
        found = list(kms_key(VerifyContext(environment, where.aws, where.state)))
    return [(each.state.value, each.found) for each in found]


def test_the_key_policy_of_the_readme_is_enough() -> None:
    """For log groups and the disks of Fargate."""
    (found,) = key_results(readme_policy())

    assert found == ("ok", f"its policy names fargate.amazonaws.com, logs.{HERE}.amazonaws.com")


def test_a_key_that_fargate_may_not_use_fails_before_the_apply() -> None:
    """No worker would start; on EC2, and with a key that Fargate never uses, one would."""
    policy = readme_policy()
    policy["Statement"] = [one for one in policy["Statement"] if "Fargate" not in one["Sid"]]

    ((state, text),) = key_results(policy)
    assert state == "failed"
    assert "fargate.amazonaws.com may not call kms:CreateGrant" in text
    assert key_results(policy, use_fargate=False)[0][0] == "ok"
    assert key_results(policy, kms_key_arn=KEY.replace("key/", "key/mrk-"))[0][0] == "ok"


def test_a_denial_or_another_principal_allows_nothing() -> None:
    """Also where a statement has one action or principal without a list."""
    one = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

    assert key_results({"Statement": [one]})[0][0] == "failed"
    assert (
        key_results({"Statement": {**one, "Effect": "Allow", "Principal": root}})[0][0] == "failed"
    )
    assert key_results({"Statement": {**one, "Effect": "Allow"}})[0][0] == "ok"


def test_without_a_key_there_is_nothing_to_check() -> None:
    """No row, and no call."""
    assert list(kms_key(context(None, "i"))) == []


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


def test_without_an_image_the_next_step_pushes_one(aws: Aws) -> None:
    """Not the name that stands for none: nothing is ever pushed under it."""
    found = image(context(aws, None))

    assert found.state.value == "failed"
    assert found.found == "no image of the workers was pushed, so none of them would start"
    assert found.next_step.startswith("gradectl image push dev; ")


def test_where_a_pipeline_deploys_an_applied_environment_needs_no_image(aws: Aws) -> None:
    """Its workers run; the first apply still needs one."""
    first = context(aws, None)
    variables = {"ecs_ignore_task_definition_changes": True}
    environment = first.environment.model_copy(update={"variables": variables})
    applied = TerraformState(outputs={"service_name": "dev-grading"})

    states = [
        image(VerifyContext(environment, aws, state)).state.value
        for state in (TerraformState(), applied)
    ]

    assert states == ["failed", "not applicable"]


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
