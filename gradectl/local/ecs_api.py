"""
What moto's ECS forgets of a service: where it is placed, how it is deployed, who may look into it.

Without it the plan after an apply never settles, and a service placed on capacity providers looks
like one on instances.  All of it is kept on moto's own object, so that both end together.
"""

from __future__ import annotations

from typing import Any, cast

from botocore import xform_name
from moto.core.responses import ActionResult
from moto.ecs import urls
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse

#: Members of CreateService and UpdateService that DescribeServices gives back as they came.
_KEPT = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
)


class RememberingEcsResponse(EC2ContainerServiceResponse):
    """Moto's answers, and with them all that a service was told."""

    def create_service(self) -> ActionResult:
        """Keep what the new service is told; refuse a placement that ECS would refuse."""
        self._check_placement()
        return self._kept(super().create_service())

    def update_service(self) -> ActionResult:
        """Keep what the service is told anew."""
        self._check_placement()
        return self._kept(super().update_service())

    def _check_placement(self) -> None:
        strategy = self._get_param("capacityProviderStrategy") or []
        if strategy and self._get_param("launchType"):
            raise InvalidParameterException(
                "Specifying both a launch type and capacity provider strategy is not supported."
                " Remove one and try again."
            )
        clusters, _ = self.ecs_backend.describe_clusters([self._get_param("cluster", "default")])
        known = {name for cluster in clusters for name in cluster.capacity_providers or ()}
        if any(item["capacityProvider"] not in known for item in strategy):
            raise InvalidParameterException(
                "The specified capacity provider strategy contains a capacity provider that is"
                " not associated with the cluster."
            )

    def _kept(self, answer: ActionResult) -> ActionResult:
        service = cast("dict[str, Service]", answer.result)["service"]
        told = {name: self._get_param(name) for name in _KEPT}
        attributes = {xform_name(name): value for name, value in told.items() if value is not None}
        _attributes(service).update(attributes)
        if strategy := told["capacityProviderStrategy"]:
            service.launch_type = None  # moto takes a service without one for one on instances
            for deployment in service.deployments:
                deployment.update(capacityProviderStrategy=strategy, launchType=None)
        return answer


def remember_services() -> None:
    """Let these answers stand in for moto's in this process."""
    urls.url_paths["{0}/$"] = RememberingEcsResponse.dispatch


def _attributes(service: Service) -> dict[str, Any]:
    return vars(service)
