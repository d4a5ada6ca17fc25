"""Reads that the emulated account does not answer, with recorded answers of AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from gradectl.adapters.aws.brokers import Brokers
from gradectl.adapters.aws.identity import Identity
from gradectl.adapters.aws.log_settings import LogSettings
from gradectl.adapters.aws.quotas import Quotas
from gradectl.adapters.aws.stored_images import StoredImages
from gradectl.errors import PermissionDeniedError

ROLE = "arn:aws:iam::123456789012:role/dev-grading-task"
DIGEST = "sha256:" + "0" * 64


@contextmanager
def recorded(service: str) -> Iterator[tuple[Any, Stubber]]:
    """A client that answers from a record, and refuses all other calls."""
    client = boto3.client(
        service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def test_a_broker_names_the_configuration_that_waits_for_a_reboot() -> None:
    """With its revision; a broker without one has none."""
    answer = {"BrokerName": "n", "BrokerArn": "a", "BrokerState": "RUNNING", "EngineType": "x"}
    waiting = {"Configurations": {"Pending": {"Id": "c-1", "Revision": 3}}}
    with recorded("mq") as (client, stub):
        for each in (answer | waiting, answer):
            stub.add_response("describe_broker", each, {"BrokerId": "b-1"})
        found = [Brokers(client).get("b-1").pending for _ in range(2)]

    assert found == [("c-1", 3), ("", 0)]


def test_a_simulation_has_a_decision_for_each_action() -> None:
    """As IAM names it."""
    answer = {
        "EvaluationResults": [
            {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"},
            {"EvalActionName": "s3:PutObject", "EvalDecision": "implicitDeny"},
        ]
    }
    actions = ["s3:GetObject", "s3:PutObject"]
    with recorded("iam") as (client, stub):
        stub.add_response(
            "simulate_principal_policy",
            answer,
            {"PolicySourceArn": ROLE, "ActionNames": actions, "ResourceArns": ["arn:aws:s3:::b/x"]},
        )
        found = Identity(client).simulate(ROLE, actions, "arn:aws:s3:::b/x")

    assert found.decisions == {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"}


def test_a_simulation_that_is_not_allowed_says_so() -> None:
    """The runner turns it into `not checked`, with this next step."""
    with recorded("iam") as (client, stub):
        stub.add_client_error("simulate_principal_policy", "AccessDenied", "no", 403)
        with pytest.raises(PermissionDeniedError) as caught:
            Identity(client).simulate(ROLE, ["s3:GetObject"], "*")

    assert "SimulatePrincipalPolicy" in caught.value.next_step


def test_quotas_are_read_by_code_and_by_name() -> None:
    """A quota that Service Quotas does not list is None."""
    listed = {"Quotas": [{"QuotaName": "Brokers per Region", "Value": 50.0}]}
    with recorded("service-quotas") as (client, stub):
        stub.add_response(
            "get_service_quota",
            {"Quota": {"Value": 6.0}},
            {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"},
        )
        stub.add_response("list_service_quotas", listed, {"ServiceCode": "mq"})
        stub.add_response("list_service_quotas", {"Quotas": []}, {"ServiceCode": "mq"})
        quotas = Quotas(client)

        assert quotas.value("fargate", "L-3032A538") == 6.0
        assert quotas.named("mq", "brokers") == 50.0
        assert quotas.named("mq", "brokers") is None


def test_all_pages_of_resource_policies_are_read() -> None:
    """The limit is ten, and a page may have fewer."""
    with recorded("logs") as (client, stub):
        stub.add_response(
            "describe_resource_policies",
            {"resourcePolicies": [{"policyName": "one"}], "nextToken": "t"},
            {},
        )
        stub.add_response(
            "describe_resource_policies",
            {"resourcePolicies": [{"policyName": "two"}]},
            {"nextToken": "t"},
        )

        assert LogSettings(client).resource_policies() == ["one", "two"]


def image_answer(manifest: dict[str, Any]) -> dict[str, Any]:
    return {"images": [{"imageId": {"imageDigest": DIGEST}, "imageManifest": json.dumps(manifest)}]}


@pytest.mark.parametrize(
    ("downloaded", "architectures"),
    [(b'{"architecture": "arm64", "os": "linux"}', ("arm64",)), (b"no json", ()), (b"[]", ())],
)
def test_the_platform_of_a_single_image_is_in_its_configuration(
    downloaded: bytes, architectures: tuple[str, ...]
) -> None:
    """An image whose configuration cannot be read exists all the same."""
    manifest = {"schemaVersion": 2, "config": {"digest": DIGEST}, "layers": []}
    urls: list[str] = []

    def fetch(url: str) -> bytes:
        urls.append(url)
        return downloaded

    with recorded("ecr") as (client, stub):
        stub.add_response("batch_get_image", image_answer(manifest))
        stub.add_response(
            "get_download_url_for_layer",
            {"downloadUrl": "https://example.com/config", "layerDigest": DIGEST},
            {"registryId": "123456789012", "repositoryName": "worker", "layerDigest": DIGEST},
        )
        found = StoredImages(client, fetch).find("123456789012", "worker", DIGEST)

    assert found
    assert (found.digest, found.architectures) == (DIGEST, architectures)
    assert urls == ["https://example.com/config"]
