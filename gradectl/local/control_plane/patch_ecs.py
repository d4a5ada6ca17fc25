"""
Stores the settings of an ECS service that moto drops: placement, deployment, ECS Exec.

Without this patch every plan after an apply shows changes, and a service on capacity providers has
the launch type EC2.  The settings are stored on moto's own object and share its lifetime.
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
#: Members of CreateService and UpdateService that DescribeServices returns unchanged.
_STORED = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
)


class StoringEcsResponse(EC2ContainerServiceResponse):
    """Moto's handlers, which also store the settings of services."""

    def create_service(self) -> ActionResult:
        """Handle CreateService; raises for a placement that ECS rejects."""
        self._check_placement()
        answer = super().create_service()
        self._store(_service(answer), before={})
        return answer

    def update_service(self) -> ActionResult:
        """Handle UpdateService; omitted members keep their values."""
        self._check_placement()
        cluster, name = self._get_param("cluster", "default"), self._get_param("service")
        found, _ = self.ecs_backend.describe_services(cluster, [name])
        before = {key: value for each in found for key, value in vars(each).items()}
        answer = super().update_service()
        self._store(_service(answer), before)
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

    def _store(self, service: Service, before: dict[str, Any]) -> None:
        given = {name: self._get_param(name) for name in _STORED}
        stored = {xform_name(name): value for name, value in given.items() if value is not None}
        deployment = xform_name(_DEPLOYMENT)
        stored[deployment] = before.get(deployment, {}) | (self._get_param(_DEPLOYMENT) or {})
        vars(service).update(stored)
        if strategy := given["capacityProviderStrategy"]:
            service.launch_type = None  # moto defaults it to EC2
            for each in service.deployments:
                each.update(capacityProviderStrategy=strategy, launchType=None)


def patch_ecs() -> None:
    """Install these handlers in this process."""
    urls.url_paths["{0}/$"] = StoringEcsResponse.dispatch


def _service(answer: ActionResult) -> Service:
    return cast("dict[str, Service]", answer.result)["service"]
