"""What all checks of one run share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import ServiceNetwork
from gradectl.deploy.verify.root_values import RootValues
from gradectl.deploy.verify.terraform_state import TerraformState
from gradectl.environment import Environment

_BROKER_ID = re.compile(r"//(b-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+\.")


@dataclass(frozen=True)
class VerifyContext:
    """
    The environment, its account and its Terraform state.

    Attributes:
        environment: The environment.
        aws: Its account; the credentials were checked.
        state: The Terraform state; empty before the first apply.
        builds_image: Whether the image is built after the checks.
    """

    environment: Environment
    aws: Aws
    state: TerraformState
    builds_image: bool = False

    @cached_property
    def values(self) -> RootValues:
        """Variables of the root."""
        return root_values(self.environment)

    @cached_property
    def service(self) -> ServiceNetwork | None:
        """The workers' service as ECS has it; None before the first apply."""
        cluster = self.output("cluster_name")
        name = self.output("service_name")
        if not (cluster and name):
            return None
        return self.aws.services.network(cluster, name)

    def pending(self, part: str) -> bool:
        """
        Whether the next apply adds a part of the parameters to an applied environment.

        Args:
            part: Part in the names of the parameters: `mq` and `sqs` come with their transport.
        """
        applied = self.output_map("parameter_names")
        return self.state.applied and bool(applied) and part not in applied

    @cached_property
    def broker_id(self) -> str:
        """ID of the broker; "" when it is created by apply or not in Amazon MQ."""
        existing = self.values["mq_existing"]
        if not isinstance(existing, Mapping):
            return self.output("broker_id")
        found = _BROKER_ID.search(" ".join(map(str, existing.get("stomp_endpoints", ()))))
        if found:
            return found[1]
        return self.aws.brokers.ids_by_name().get(str(existing.get("name") or ""), "")

    @cached_property
    def database_id(self) -> str:
        """Identifier of the database; "" when it is created by apply or not in RDS."""
        existing = self.values["db_existing"]
        if not isinstance(existing, Mapping):
            return self.output("database_identifier")
        host = str(existing.get("endpoint", ""))
        named = host.partition(".")[0] if ".rds." in host else ""
        return str(existing.get("identifier") or named)

    def output(self, name: str) -> str:
        """An output of the root; "" when the state has none."""
        return str(self.state.outputs.get(name) or "")

    def output_map(self, name: str) -> Mapping[str, Any]:
        """An output of the root that is an object."""
        found = self.state.outputs.get(name)
        return found if isinstance(found, Mapping) else {}


def root_values(environment: Environment) -> RootValues:
    """The values of an environment's variables."""
    return RootValues(
        environment.name, environment.account_id, environment.region, environment.variables
    )
