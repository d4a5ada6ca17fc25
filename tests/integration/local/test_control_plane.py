"""The calls that moto lacks behave as on AWS, with the real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

REGION = "ap-northeast-2"
TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/scaled/grading",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture(name="scaling")
def _scaling(aws: Callable[[str], Any]) -> Any:
    """A client of Application Auto Scaling, with one service that can be scaled."""
    ecs = aws("ecs")
    ecs.create_cluster(clusterName="scaled")
    container = {"name": "grading-worker", "image": "unused", "memory": 128}
    ecs.register_task_definition(family="scaled", containerDefinitions=[container])
    ecs.create_service(
        cluster="scaled", serviceName="grading", taskDefinition="scaled", desiredCount=0
    )
    return aws("application-autoscaling")


def test_a_scaling_target_keeps_its_tags(scaling: Any) -> None:
    """Otherwise the AWS provider retries for eight minutes, then plans a change each time."""
    registered = scaling.register_scalable_target(
        **TARGET, MinCapacity=1, MaxCapacity=2, Tags={"Environment": "local"}
    )
    arn = registered["ScalableTargetARN"]

    scaling.tag_resource(ResourceARN=arn, Tags={"Owner": "platform", "Spare": "1"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["Spare", "Unknown"])

    tags = scaling.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert tags == {"Environment": "local", "Owner": "platform"}


def test_tags_of_a_missing_target_are_an_error(scaling: Any) -> None:
    """By this error the AWS provider knows that the target was deleted."""
    arn = f"arn:aws:application-autoscaling:{REGION}:123456789012:scalable-target/none"

    with pytest.raises(ClientError) as caught:
        scaling.list_tags_for_resource(ResourceARN=arn)

    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
