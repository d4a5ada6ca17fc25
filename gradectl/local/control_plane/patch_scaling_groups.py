"""
Stores the settings of EC2 Auto Scaling groups and policies that moto 5.2 drops, and refreshes them.

Warm-up and maximum lifetime of a group are lost, a policy has no `Enabled`, and every policy shows
an empty predictive scaling configuration.  Terraform reads all of them back and would plan a change
each time.  When the launch template changes, it starts an instance refresh, which moto does not
have; there are no instances to replace.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.autoscaling.models import FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

_moto_policy_init = FakeScalingPolicy.__init__
_moto_create_group = AutoScalingResponse.create_auto_scaling_group
_moto_update_group = AutoScalingResponse.update_auto_scaling_group
#: Parameter of a call -> attribute of the group, from which moto makes its answers.
_SECONDS = {
    "DefaultInstanceWarmup": "default_instance_warmup",
    "MaxInstanceLifetime": "max_instance_lifetime",
}


def _policy_init(policy: FakeScalingPolicy, *args: object, **settings: object) -> None:
    """Create an enabled policy, with predictive scaling only if configured."""
    _moto_policy_init(policy, *args, **settings)  # type: ignore[arg-type]  # handed through
    policy.enabled = True  # type: ignore[attr-defined]  # the answer is made of attributes
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None  # type: ignore[assignment]  # None is left out of the answer


def _create_group(call: AutoScalingResponse) -> ActionResult:
    """Handle CreateAutoScalingGroup, and store what moto drops."""
    result = _moto_create_group(call)
    _store_seconds(call)
    return result


def _update_group(call: AutoScalingResponse) -> ActionResult:
    """Handle UpdateAutoScalingGroup, and store what moto drops, if given."""
    result = _moto_update_group(call)
    _store_seconds(call)
    return result


def _store_seconds(call: AutoScalingResponse) -> None:
    name = call._get_param("AutoScalingGroupName")  # noqa: SLF001 - as moto's own calls read it
    group: Any = call.autoscaling_backend.autoscaling_groups[name]
    for parameter, attribute in _SECONDS.items():
        seconds = call._get_int_param(parameter)  # noqa: SLF001 - as above
        if seconds is not None:
            setattr(group, attribute, seconds)


def _start_instance_refresh(call: AutoScalingResponse) -> ActionResult:  # noqa: ARG001 - a method of moto
    """Handle StartInstanceRefresh: no instance has to be replaced."""
    return ActionResult({"InstanceRefreshId": str(uuid4())})


def patch_scaling_groups() -> None:
    """Install these functions in this process."""
    FakeScalingPolicy.__init__ = _policy_init  # type: ignore[assignment,method-assign]  # moto leaves no other way
    AutoScalingResponse.create_auto_scaling_group = _create_group  # type: ignore[assignment,method-assign]  # as above
    AutoScalingResponse.update_auto_scaling_group = _update_group  # type: ignore[assignment,method-assign]  # as above
    AutoScalingResponse.start_instance_refresh = _start_instance_refresh  # type: ignore[attr-defined]  # moto has no such method
