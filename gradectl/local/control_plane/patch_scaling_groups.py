"""
Stores the settings of EC2 Auto Scaling groups and policies that moto 5.2 drops.

The warm-up of a group is lost, a policy has no `Enabled`, and every policy shows an empty
predictive scaling configuration.  Terraform reads all three back and would plan a change each time.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

_moto_policy_init = FakeScalingPolicy.__init__
_moto_create_group = AutoScalingResponse.create_auto_scaling_group
_moto_update_group = AutoScalingResponse.update_auto_scaling_group


def _policy_init(policy: FakeScalingPolicy, *args: object, **settings: object) -> None:
    """Create an enabled policy, with predictive scaling only if configured."""
    _moto_policy_init(policy, *args, **settings)  # type: ignore[arg-type]  # handed through
    policy.enabled = True  # type: ignore[attr-defined]  # the answer is made of attributes
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None  # type: ignore[assignment]  # None is left out of the answer


def _create_group(call: AutoScalingResponse) -> ActionResult:
    """Handle CreateAutoScalingGroup, and store the warm-up."""
    result = _moto_create_group(call)
    _store_warm_up(call)
    return result


def _update_group(call: AutoScalingResponse) -> ActionResult:
    """Handle UpdateAutoScalingGroup, and store the warm-up if given."""
    result = _moto_update_group(call)
    _store_warm_up(call)
    return result


def _store_warm_up(call: AutoScalingResponse) -> None:
    seconds = call._get_int_param("DefaultInstanceWarmup")  # noqa: SLF001 - as moto's own calls read it
    if seconds is not None:
        name = call._get_param("AutoScalingGroupName")  # noqa: SLF001 - as above
        group: Any = call.autoscaling_backend.autoscaling_groups[name]
        group.default_instance_warmup = seconds


def patch_scaling_groups() -> None:
    """Install these functions in this process."""
    FakeScalingPolicy.__init__ = _policy_init  # type: ignore[assignment,method-assign]  # moto leaves no other way
    AutoScalingResponse.create_auto_scaling_group = _create_group  # type: ignore[assignment,method-assign]  # as above
    AutoScalingResponse.update_auto_scaling_group = _update_group  # type: ignore[assignment,method-assign]  # as above
