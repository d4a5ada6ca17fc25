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

_DEPLOYMENT = "deploymentConfiguration"
#: Members of CreateService and UpdateService that DescribeServices gives back as they came.
_KEPT = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
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
        answer = super().create_service()
        self._keep(_service(answer), before={})
        return answer

    def update_service(self) -> ActionResult:
        """Keep what the service is told anew; of its deployments, what is not told stays."""
        self._check_placement()
        cluster, name = self._get_param("cluster", "default"), self._get_param("service")
        found, _ = self.ecs_backend.describe_services(cluster, [name])
        before = {key: value for each in found for key, value in vars(each).items()}
        answer = super().update_service()
        self._keep(_service(answer), before)
        return answer

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

    def _keep(self, service: Service, before: dict[str, Any]) -> None:
        told = {name: self._get_param(name) for name in _KEPT}
        kept = {xform_name(name): value for name, value in told.items() if value is not None}
        deployment = xform_name(_DEPLOYMENT)
        kept[deployment] = before.get(deployment, {}) | (self._get_param(_DEPLOYMENT) or {})
        vars(service).update(kept)
        if strategy := told["capacityProviderStrategy"]:
            service.launch_type = None  # moto takes a service without one for one on instances
            for each in service.deployments:
                each.update(capacityProviderStrategy=strategy, launchType=None)


def patch_ecs() -> None:
    """Let these answers stand in for moto's in this process."""
    urls.url_paths["{0}/$"] = RememberingEcsResponse.dispatch


def _service(answer: ActionResult) -> Service:
    return cast("dict[str, Service]", answer.result)["service"]
