"""
What moto 5.2 forgets of groups of instances and of what scales them.

The warm-up of a group is not kept, a policy does not say that it is enabled, and every policy
shows an empty forecast.  Terraform reads all three back, and would change them for ever.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

_policy_of_moto = FakeScalingPolicy.__init__
_create_of_moto = AutoScalingResponse.create_auto_scaling_group
_update_of_moto = AutoScalingResponse.update_auto_scaling_group


def _make_policy(policy: FakeScalingPolicy, *words: object, **settings: object) -> None:
    """Make a policy that is enabled, and forecasts only when told to."""
    _policy_of_moto(policy, *words, **settings)  # type: ignore[arg-type]  # handed through
    policy.enabled = True  # type: ignore[attr-defined]  # the answer is made of attributes
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None  # type: ignore[assignment]  # None is left out of the answer


def _create_group(call: AutoScalingResponse) -> ActionResult:
    """Make a group, and keep its warm-up."""
    result = _create_of_moto(call)
    _keep_warm_up(call)
    return result


def _update_group(call: AutoScalingResponse) -> ActionResult:
    """Change a group, and its warm-up where that is given."""
    result = _update_of_moto(call)
    _keep_warm_up(call)
    return result


def _keep_warm_up(call: AutoScalingResponse) -> None:
    seconds = call._get_int_param("DefaultInstanceWarmup")  # noqa: SLF001 - as moto's own calls read it
    if seconds is not None:
        name = call._get_param("AutoScalingGroupName")  # noqa: SLF001 - as above
        group: Any = call.autoscaling_backend.autoscaling_groups[name]
        group.default_instance_warmup = seconds


def remember_scaling_groups() -> None:
    """Let these stand in for moto's in this process."""
    FakeScalingPolicy.__init__ = _make_policy  # type: ignore[assignment,method-assign]  # moto leaves no other way
    AutoScalingResponse.create_auto_scaling_group = _create_group  # type: ignore[assignment,method-assign]  # as above
    AutoScalingResponse.update_auto_scaling_group = _update_group  # type: ignore[assignment,method-assign]  # as above
