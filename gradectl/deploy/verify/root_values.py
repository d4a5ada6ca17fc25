"""The values of the root's variables that the checks depend on, with the defaults of the root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.planning.worker_image import NOT_PUSHED

#: Defaults of `environments/variables*.tf`; a test compares them.
DEFAULTS: Mapping[str, Any] = {
    "alarm_disabled_kinds": [],
    "availability_zone_suffixes": ["a", "c"],
    "db_allocated_storage_gb": 20,
    "db_existing": None,
    "db_endpoint_override": None,
    "db_instance_class": "db.t4g.micro",
    "db_max_allocated_storage_gb": None,
    "db_multi_az": False,
    "ecs_architecture": "X86_64",
    "ecs_desired_count": 2,
    "ecs_fargate_spot": None,
    "ecs_max_capacity": 10,
    "ecs_min_capacity": 1,
    "ecs_repository_credentials_arn": None,
    "ecs_secret_arns": {},
    "ecs_sidecars": {},
    "ecs_task_cpu": 512,
    "ecs_task_memory": 1024,
    "enable_ecs_autoscaling": True,
    "enable_ecs_exec": False,
    "enable_web_tier": False,
    "grading_container_image": None,
    "kms_key_arn": None,
    "mq_broker_endpoint_override": None,
    "mq_deployment_mode": "SINGLE_INSTANCE",
    "mq_enable_audit_logs": True,
    "mq_enable_role_users": True,
    "mq_existing": None,
    "mq_instance_type": "mq.t3.micro",
    "s3_bucket_name": None,
    "use_fargate": True,
    "vpc_cidr_block": "10.0.0.0/16",
    "vpc_existing": None,
    "vpc_interface_endpoints": None,
    "vpc_internet_egress_roles": [],
    "vpc_nat_mode": "none",
}
#: Roles with a broker user of their own.
ROLES = ("operator", "web", "worker")


@dataclass(frozen=True)
class RootValues:
    """
    The values of one environment.

    Attributes:
        name: Name of the environment.
        account_id: Its account.
        region: Its region.
        variables: Values from environment.yaml.
    """

    name: str
    account_id: str
    region: str
    variables: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the type depends on the variable
        """The value of a variable, or its default."""
        value = self.variables.get(name)
        return DEFAULTS[name] if value is None else value

    @property
    def prefix(self) -> str:
        """Prefix of the names of resources."""
        return f"{self.name}-grading"

    @property
    def image(self) -> str:
        """The image of the worker."""
        if self["grading_container_image"]:
            return str(self["grading_container_image"])
        where = f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com"
        return f"{where}/{self.name}-grading-worker:{NOT_PUSHED}"

    @property
    def services(self) -> tuple[str, ...]:
        """The AWS services that a task connects to, by the names of their endpoints."""
        return (
            *(("ecr.api", "ecr.dkr") if ".dkr.ecr." in self.image else ()),
            "s3",
            "logs",
            "ssm",
            *(() if self["use_fargate"] else ("ecs", "ecs-agent", "ecs-telemetry")),
            *(("ssmmessages",) if self["enable_ecs_exec"] else ()),
            *(("secretsmanager",) if self._reads_secrets_manager else ()),
        )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The interface endpoints that apply creates."""
        if self["vpc_interface_endpoints"] is not None:
            return tuple(self["vpc_interface_endpoints"])
        if self.vpc:
            return ()
        exec_key = self["enable_ecs_exec"] and self["kms_key_arn"]
        return (
            "ecr.api",
            "ecr.dkr",
            "logs",
            "ssm",
            *(() if self["use_fargate"] else ("ecs", "ecs-agent", "ecs-telemetry")),
            *(("ssmmessages",) if self["enable_ecs_exec"] or self["enable_web_tier"] else ()),
            *(("kms",) if exec_key else ()),
            *(("secretsmanager",) if self._reads_secrets_manager else ()),
        )

    @property
    def _reads_secrets_manager(self) -> bool:
        """Whether ECS reads a secret of Secrets Manager to start a task."""
        containers = [{"secret_arns": self["ecs_secret_arns"]}, *self["ecs_sidecars"].values()]
        arns = [arn for each in containers for arn in (each.get("secret_arns") or {}).values()]
        arns += [each.get("repository_credentials_arn") for each in containers]
        arns.append(self["ecs_repository_credentials_arn"])
        return any(":secretsmanager:" in (arn or "") for arn in arns)

    @property
    def vpc(self) -> Mapping[str, Any] | None:
        """The existing VPC, where one is given."""
        found = self["vpc_existing"]
        return found if isinstance(found, Mapping) else None

    def existing_peers(self, role: str) -> list[dict[str, str]] | None:
        """
        Give what the workers may connect to in place of a group of this environment.

        Args:
            role: broker, database or endpoints.

        Returns:
            Each security group as `group_id` and each range as `cidr`; None where none exists.
        """
        found = {
            "broker": self["mq_existing"],
            "database": self["db_existing"],
            "endpoints": (self.vpc or {}).get("endpoints"),
        }[role]
        if not isinstance(found, Mapping):
            return None
        groups = [{"group_id": str(each)} for each in found.get("security_group_ids") or ()]
        return groups + [{"cidr": str(each)} for each in found.get("cidr_blocks") or ()]

    @property
    def worker_cpu(self) -> float:
        """Number of vCPUs of one worker."""
        return float(self["ecs_task_cpu"]) / 1024

    @property
    def addresses(self) -> int:
        """Number of Elastic IP addresses of the NAT gateways."""
        if self.vpc:
            return 0
        zones = len(self["availability_zone_suffixes"])
        return {"single": 1, "per_zone": zones}.get(str(self["vpc_nat_mode"]), 0)

    @property
    def parameters(self) -> dict[str, str]:
        """Type by name of the SSM parameters that programs of the environment read."""
        secret, plain = "SecureString", "String"
        parts = {
            "mq": {"broker-endpoint": plain, "username": plain, "password": secret},
            "db": {"endpoint": plain, "name": plain, "username": plain, "password": secret},
            "db-app": {"username": plain, "password": secret},
        }
        if self["mq_enable_role_users"] and self["mq_existing"] is None:
            login = {"username": plain, "password": secret}
            parts |= {f"mq-{role}": login for role in ROLES}
        return {
            f"/{self.name}/{part}/{key}": kind
            for part, keys in parts.items()
            for key, kind in keys.items()
        }
