"""Launch templates of the emulated EC2, with the real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TEMPLATE_TAGS = {"ResourceType": "launch-template", "Tags": [{"Key": "Team", "Value": "a"}]}
INSTANCE_TAGS = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "b"}]}


@pytest.fixture(name="ec2")
def _ec2(aws: Callable[[str], Any]) -> Any:
    return aws("ec2")


def data_of(ec2: Any, template: dict[str, Any]) -> dict[str, Any]:
    found = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
    data: dict[str, Any] = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return data


def test_tags_of_a_template_are_not_in_its_data(ec2: Any) -> None:
    """Otherwise Terraform reads them as a block that the module lacks, and plans its removal."""
    template = ec2.create_launch_template(
        LaunchTemplateName="tagged",
        LaunchTemplateData={"InstanceType": "m6i.large"},
        TagSpecifications=[TEMPLATE_TAGS],
    )["LaunchTemplate"]

    assert template["Tags"] == TEMPLATE_TAGS["Tags"]
    assert "TagSpecifications" not in data_of(ec2, template)
    assert data_of(ec2, template)["InstanceType"] == "m6i.large"


def test_tags_for_instances_are_in_its_data(ec2: Any) -> None:
    """The block `tag_specifications` is for them."""
    template = ec2.create_launch_template(
        LaunchTemplateName="tags-its-instances",
        LaunchTemplateData={"TagSpecifications": [INSTANCE_TAGS]},
        TagSpecifications=[TEMPLATE_TAGS],
    )["LaunchTemplate"]

    assert data_of(ec2, template)["TagSpecifications"] == [INSTANCE_TAGS]
