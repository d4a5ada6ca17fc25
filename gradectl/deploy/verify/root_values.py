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
    "drain_other_transport": False,
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
    "enable_api": False,
    "enable_ecs_autoscaling": True,
    "enable_ecs_exec": False,
    "enable_redis": False,
    "enable_web_tier": False,
    "enable_webhooks": False,
    "grading_container_image": None,
    "grading_worker_settings": {},
    "kms_key_arn": None,
    "mq_broker_endpoint_override": None,
    "mq_deployment_mode": "SINGLE_INSTANCE",
    "mq_enable_audit_logs": True,
    "mq_enable_role_users": True,
    "mq_existing": None,
    "mq_instance_type": "mq.t3.micro",
    "redis_existing": None,
    "s3_bucket_name": None,
    "sqs_existing": None,
    "sqs_settings": {},
    "use_fargate": True,
    "use_sqs_queue": False,
    "vpc_cidr_block": "10.0.0.0/16",
    "vpc_existing": None,
    "vpc_interface_endpoints": None,
    "vpc_internet_egress_roles": [],
    "vpc_nat_mode": "none",
}
#: Ends of the names of the queues of SQS, by purpose.
_QUEUES = {
    "requests": "requests",
    "priority": "priority",
    "results": "results",
    "dead_letter": "dlq",
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
    def uses_broker(self) -> bool:
        """Whether there is a broker: it is the transport, or it is being drained."""
        return bool(not self["use_sqs_queue"] or self["drain_other_transport"])

    @property
    def uses_sqs(self) -> bool:
        """Whether there are queues of SQS: they are the transport, or they are being drained."""
        return bool(self["use_sqs_queue"] or self["drain_other_transport"])

    @property
    def own_broker(self) -> bool:
        """Whether apply creates the broker."""
        return self.uses_broker and self["mq_existing"] is None

    @property
    def queues(self) -> dict[str, str]:
        """ARN by purpose of the queues of SQS, own or existing; empty without SQS."""
        if not self.uses_sqs:
            return {}
        existing = self["sqs_existing"]
        if isinstance(existing, Mapping):
            arns = {purpose: existing.get(f"{purpose}_arn") for purpose in _QUEUES}
            return {purpose: str(arn) for purpose, arn in arns.items() if arn}
        where = f"arn:aws:sqs:{self.region}:{self.account_id}:{self.prefix}"
        priority = self["sqs_settings"].get("enable_priority_queue") is not False
        return {
            purpose: f"{where}-{end}"
            for purpose, end in _QUEUES.items()
            if priority or purpose != "priority"
        }

    @property
    def queue_calls(self) -> tuple[tuple[str, str], ...]:
        """The IAM actions of the workers on queues of SQS, each with the ARN of the queue."""
        receiving = ("ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage")
        return tuple(
            (f"sqs:{action}", arn)
            for purpose, arn in self.queues.items()
            for action in (
                "GetQueueAttributes",
                *(receiving if purpose in ("requests", "priority") else ("SendMessage",)),
            )
        )

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
            *(("sqs",) if self.uses_sqs else ()),
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
            *(("sqs",) if self.uses_sqs else ()),
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
            "broker": self["mq_existing"] if self.uses_broker else None,
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
            "db": {"endpoint": plain, "name": plain, "username": plain, "password": secret},
            "db-app": {"username": plain, "password": secret},
        }
        if self["enable_api"]:
            parts["db-web"] = {"username": plain, "password": secret}
        if self.uses_broker:
            parts["mq"] = {"broker-endpoint": plain, "username": plain, "password": secret}
        if self["mq_enable_role_users"] and self.own_broker:
            login = {"username": plain, "password": secret}
            parts |= {f"mq-{role}": login for role in ROLES}
        if self.uses_sqs:
            urls = {f"{purpose.replace('_', '-')}-url": plain for purpose in self.queues}
            parts["sqs"] = {"active": plain, **urls}
        if self["enable_api"]:
            parts["db-web"] = {"username": plain, "password": secret}
        if self["enable_redis"] and self["redis_existing"] is None:
            parts["redis"] = {"url": plain, "password": secret}
        if self["enable_webhooks"]:
            parts["webhook"] = {"headers": secret, "secret": secret}
        return {
            f"/{self.name}/{part}/{key}": kind
            for part, keys in parts.items()
            for key, kind in keys.items()
        }
