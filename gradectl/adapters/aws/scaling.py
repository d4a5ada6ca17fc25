"""Application Auto Scaling of ECS services: suspending it."""

from __future__ import annotations

from typing import Any

from gradectl.adapters.aws.errors import translated

_KINDS = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")


class Scaling:
    """
    Application Auto Scaling.

    Args:
        client: A boto3 client of `application-autoscaling`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def suspend(self, cluster: str, service: str, *, suspended: bool) -> None:
        """Suspend or resume all scaling of a registered service; its bounds stay."""
        with translated(f"autoscaling of {cluster}/{service}"):
            self._client.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=f"service/{cluster}/{service}",
                ScalableDimension="ecs:service:DesiredCount",
                SuspendedState={f"{kind}Suspended": suspended for kind in _KINDS},
            )
