"""One AWS account and region, seen by one command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from gradectl.adapters.aws.brokers import Brokers
from gradectl.adapters.aws.buckets import Buckets
from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.services import Services
from gradectl.adapters.aws.stacks import Stacks
from gradectl.errors import ConfigurationError, RefusedError
from grader.adapters.s3 import S3ObjectStore

#: How the names of operations begin that only look. Everything else is blocked in a dry run.
_READS = ("AssumeRole", "BatchGet", "Describe", "Get", "Head", "List", "ValidateTemplate")
_SSM_PAGE = 10  # GetParameters takes no more


@dataclass(frozen=True)
class AwsSettings:
    """
    How to reach AWS.

    Attributes:
        region: AWS region.
        account_id: The only account that may be touched.
        profile: Named profile, when not the default one.
        endpoint_url: Address of the API, when not Amazon's.
        access_key_id: Credentials given outright, as the emulated account has them.
        secret_access_key: Their other half.
        dry_run: True when nothing may be changed.
    """

    region: str
    account_id: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    dry_run: bool = False


class Aws:
    """
    The AWS calls of gradectl, one property for each service with more than a call or two.

    Every method raises the errors of `gradectl.adapters.aws.errors.translated`.

    Args:
        settings: How to reach AWS.
    """

    def __init__(self, settings: AwsSettings) -> None:
        """Prepare the session; nothing is sent yet."""
        self.settings = settings
        with translated("AWS profile"):
            self._session = boto3.Session(
                profile_name=settings.profile,
                region_name=settings.region,
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
            )
        if settings.dry_run:
            self._session.events.register("before-call", _block_changes)

    def check_account(self) -> str:
        """
        Hold the credentials against the account that environment.yaml names.

        Returns:
            The ARN of the caller.

        Raises:
            RefusedError: They belong to another account.
        """
        with translated("sts"):
            identity = self._client("sts").get_caller_identity()
        if identity["Account"] != self.settings.account_id:
            text = f"these credentials are of account {identity['Account']}"
            raise RefusedError(
                f"{text}, environment.yaml allows only {self.settings.account_id}",
                where=identity["Arn"],
                next_step="choose other credentials: --profile, AWS_PROFILE",
            )
        return str(identity["Arn"])

    def parameters(self, names: Sequence[str]) -> dict[str, str]:
        """
        Read SSM parameters, decrypted.

        Raises:
            ConfigurationError: Some do not exist; names them.
        """
        found = self.parameters_if_any(names)
        missing = sorted(set(names) - set(found))
        if missing:
            text = f"no such parameter: {', '.join(missing)}"
            hint = "gradectl apply writes them"
            raise ConfigurationError(text, where="SSM Parameter Store", next_step=hint)
        return found

    def parameters_if_any(self, names: Sequence[str]) -> dict[str, str]:
        """Read those of the SSM parameters that exist, decrypted."""
        found: dict[str, str] = {}
        with translated("SSM Parameter Store"):
            for start in range(0, len(names), _SSM_PAGE):
                page = list(names[start : start + _SSM_PAGE])
                answer = self._client("ssm").get_parameters(Names=page, WithDecryption=True)
                found |= {item["Name"]: item["Value"] for item in answer["Parameters"]}
        return found

    def parameter_version(self, name: str) -> int:
        """
        Read how often an SSM parameter was written, without its value.

        Raises:
            GradectlError: There is no such parameter.
        """
        with translated(f"parameter {name}"):
            answer = self._client("ssm").get_parameter(Name=name, WithDecryption=False)
        return int(answer["Parameter"]["Version"])

    def parameter_at(self, name: str, version: int) -> str | None:
        """Read the value that an SSM parameter had at a version; None when that is forgotten."""
        with translated(f"parameter {name}"):
            selector = f"{name}:{version}"
            answer = self._client("ssm").get_parameters(Names=[selector], WithDecryption=True)
        return next((str(item["Value"]) for item in answer["Parameters"]), None)

    def object_store(self, bucket: str) -> S3ObjectStore:
        """Give one bucket as the worker sees it; it raises the worker's errors."""
        return S3ObjectStore(self._client("s3"), bucket)

    @cached_property
    def buckets(self) -> Buckets:
        """How buckets are set up."""
        return Buckets(self._client("s3"))

    @cached_property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        return Stacks(self._client("cloudformation"))

    @cached_property
    def brokers(self) -> Brokers:
        """Amazon MQ."""
        return Brokers(self._client("mq"))

    @cached_property
    def services(self) -> Services:
        """ECS."""
        return Services(self._client("ecs"))

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Make the client of one service."""
        emulated = self.settings.endpoint_url is not None
        config = Config(
            connect_timeout=5,
            read_timeout=20 if emulated else 60,
            retries={"mode": "standard", "total_max_attempts": 2 if emulated else 5},
            s3={"addressing_style": "path" if emulated else "auto"},
        )
        # The stubs know each service by its literal name only.
        make: Any = self._session.client
        with translated(service):
            return make(service, endpoint_url=self.settings.endpoint_url, config=config)


def _block_changes(model: Any, **_event: Any) -> None:  # noqa: ANN401 - botocore's event
    """
    Stand between the client and the network in a dry run.

    Raises:
        RefusedError: The operation is not one that only looks.
    """
    if not model.name.startswith(_READS):
        text = f"a dry run changes nothing, so {model.name} was not sent"
        raise RefusedError(text, where=model.service_model.service_name)
