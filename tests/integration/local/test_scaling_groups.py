"""The emulated EC2 Auto Scaling, with the real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

GROUP = "instances"
TRACKING = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    "TargetValue": 60.0,
}


@pytest.fixture
def scaling(aws: Callable[[str], Any]) -> Any:
    """A client, with one empty group that has a warm-up of 120 s."""
    template = aws("ec2").create_launch_template(
        LaunchTemplateName=GROUP, LaunchTemplateData={"InstanceType": "m6i.large"}
    )["LaunchTemplate"]
    found = aws("autoscaling")
    found.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        AvailabilityZones=["ap-northeast-2a"],
        DefaultInstanceWarmup=120,
        DesiredCapacity=0,
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
        MaxInstanceLifetime=86400,
        MaxSize=1,
        MinSize=0,
    )
    yield found
    found.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    aws("ec2").delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])


def seconds(scaling: Any) -> tuple[int, int]:
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])[
        "AutoScalingGroups"
    ]
    return group["DefaultInstanceWarmup"], group["MaxInstanceLifetime"]


def test_a_group_stores_its_warm_up_and_its_lifetime(scaling: Any) -> None:
    """Otherwise Terraform sets them again with every apply."""
    assert seconds(scaling) == (120, 86400)

    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, DefaultInstanceWarmup=60)
    assert seconds(scaling) == (60, 86400)

    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MaxInstanceLifetime=172800)
    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MaxSize=2)
    assert seconds(scaling) == (60, 172800)


def test_a_policy_is_enabled_and_has_no_predictive_scaling(scaling: Any) -> None:
    """Otherwise Terraform plans to enable it, and to remove its predictive scaling, each time."""
    scaling.put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=TRACKING,
    )

    (policy,) = scaling.describe_policies(AutoScalingGroupName=GROUP)["ScalingPolicies"]

    assert policy["Enabled"] is True
    assert "PredictiveScalingConfiguration" not in policy
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 60.0
