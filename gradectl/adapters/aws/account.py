"""The AWS calls of one command, in one account and region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from gradectl.adapters.aws.brokers import Brokers
from gradectl.adapters.aws.buckets import Buckets
from gradectl.adapters.aws.caches import Caches
from gradectl.adapters.aws.databases import Databases
from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.existing import ExistingResources
from gradectl.adapters.aws.identity import Identity
from gradectl.adapters.aws.images import Images
from gradectl.adapters.aws.keys import Keys
from gradectl.adapters.aws.log_settings import LogSettings
from gradectl.adapters.aws.logs import Logs
from gradectl.adapters.aws.metrics import Metrics
from gradectl.adapters.aws.network import Network
from gradectl.adapters.aws.objects import ExclusiveObjects
from gradectl.adapters.aws.parameters import ParameterStore
from gradectl.adapters.aws.providers import Providers
from gradectl.adapters.aws.queue_settings import QueueSettings
from gradectl.adapters.aws.queues import Queues
from gradectl.adapters.aws.quotas import Quotas
from gradectl.adapters.aws.scaling import Scaling
from gradectl.adapters.aws.services import Services
from gradectl.adapters.aws.sqs_states import SqsStates
from gradectl.adapters.aws.stacks import Stacks
from gradectl.adapters.aws.states import States
from gradectl.adapters.aws.stored_images import StoredImages
from gradectl.adapters.aws.tasks import Tasks
from gradectl.errors import ConfigurationError, RefusedError
from grader.adapters.s3 import S3ObjectStore
from grader.adapters.sqs.bodies import BodyStore
from grader.adapters.sqs.client import SqsClient

#: Prefixes of read-only operations. A dry run blocks all others.
_READS = (
    "AssumeRole",
    "BatchGet",
    "Describe",
    "FilterLogEvents",
    "Get",
    "Head",
    "List",
    "SimulatePrincipalPolicy",
    "ValidateTemplate",
)
_SSM_PAGE = 10  # maximum of GetParameters


@dataclass(frozen=True)
class AwsSettings:
    """
    Connection settings.

    Attributes:
        region: AWS region.
        account_id: The only account that may be used; "" where none is declared.
        profile: Named profile; None for the default.
        endpoint_url: Address of the API; None for Amazon's.
        access_key_id: Explicit credentials, for the emulated account.
        secret_access_key: The secret key of these credentials.
        dry_run: True when nothing may be changed.
        account_source: Where the account id is declared, for the error.
    """

    region: str
    account_id: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    dry_run: bool = False
    account_source: str = "environment.yaml"


class Aws:
    """
    The AWS calls of gradectl; services with several calls have a property of their own.

    Every method raises the errors of `gradectl.adapters.aws.errors.translated`.

    Args:
        settings: Connection settings.
    """

    def __init__(self, settings: AwsSettings) -> None:
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
        Check that the credentials belong to the account in environment.yaml.

        Returns:
            The ARN of the caller.

        Raises:
            RefusedError: They belong to another account.
        """
        with translated("sts"):
            identity = self._client("sts").get_caller_identity()
        if self.settings.account_id and identity["Account"] != self.settings.account_id:
            text = f"these credentials belong to account {identity['Account']}"
            raise RefusedError(
                f"{text}, {self.settings.account_source} allows only {self.settings.account_id}",
                where=identity["Arn"],
                next_step="use other credentials: --profile or AWS_PROFILE",
            )
        return str(identity["Arn"])

    def parameters(self, names: Sequence[str]) -> dict[str, str]:
        """
        Read SSM parameters, decrypted.

        Raises:
            ConfigurationError: Some do not exist; the error lists them.
        """
        found = self.parameters_if_any(names)
        missing = sorted(set(names) - set(found))
        if missing:
            text = f"parameters not found: {', '.join(missing)}"
            hint = "gradectl apply creates them"
            raise ConfigurationError(text, where="SSM Parameter Store", next_step=hint)
        return found

    def parameters_if_any(self, names: Sequence[str]) -> dict[str, str]:
        """Read those of the SSM parameters that exist, decrypted."""
        return {item["Name"]: item["Value"] for item in self._parameters(names, decrypt=True)}

    def parameter_types(self, names: Sequence[str]) -> dict[str, str]:
        """Read the types of those of the SSM parameters that exist, without decrypting them."""
        return {item["Name"]: item["Type"] for item in self._parameters(names, decrypt=False)}

    def _parameters(self, names: Sequence[str], *, decrypt: bool) -> Iterator[dict[str, Any]]:
        """Read those of the SSM parameters that exist, page by page."""
        with translated("SSM Parameter Store"):
            for start in range(0, len(names), _SSM_PAGE):
                page = list(names[start : start + _SSM_PAGE])
                answer = self._client("ssm").get_parameters(Names=page, WithDecryption=decrypt)
                yield from answer["Parameters"]

    def parameter_version(self, name: str) -> int:
        """
        Read the version of an SSM parameter, without its value.

        Raises:
            GradectlError: The parameter does not exist.
        """
        with translated(f"parameter {name}"):
            answer = self._client("ssm").get_parameter(Name=name, WithDecryption=False)
        return int(answer["Parameter"]["Version"])

    def parameter_at(self, name: str, version: int) -> str | None:
        """Read a version of an SSM parameter; None when SSM no longer has it."""
        with translated(f"parameter {name}"):
            selector = f"{name}:{version}"
            answer = self._client("ssm").get_parameters(Names=[selector], WithDecryption=True)
        return next((str(item["Value"]) for item in answer["Parameters"]), None)

    def object_store(self, bucket: str) -> S3ObjectStore:
        """Open a bucket with the worker's client, which raises the worker's errors."""
        return S3ObjectStore(self._client("s3"), bucket)

    def exclusive_objects(self, bucket: str) -> ExclusiveObjects:
        """Open a bucket for objects that must not be overwritten."""
        return ExclusiveObjects(self._client("s3"), bucket)

    def sqs(self, urls: Mapping[str, str], bodies: Callable[[], BodyStore]) -> SqsClient:
        """
        Open queues with the worker's client, which raises the worker's errors.

        Args:
            urls: URL of each queue by its name.
            bodies: Opens, on first use, where bodies are kept that are too large for SQS.
        """
        return SqsClient(self._client("sqs"), urls, bodies)

    @cached_property
    def queues(self) -> Queues:
        """SQS in batches, and whole queues."""
        return Queues(self._client("sqs"), self._client("cloudwatch"))

    @cached_property
    def buckets(self) -> Buckets:
        """Settings of S3 buckets."""
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
    def caches(self) -> Caches:
        """ElastiCache."""
        return Caches(self._client("elasticache"))

    @cached_property
    def parameter_store(self) -> ParameterStore:
        """Metadata of SSM parameters, and writing secrets."""
        return ParameterStore(self._client("ssm"))

    @cached_property
    def logs(self) -> Logs:
        """CloudWatch Logs."""
        return Logs(self._client("logs"))

    @cached_property
    def metrics(self) -> Metrics:
        """CloudWatch metrics of our own."""
        return Metrics(self._client("cloudwatch"))

    @cached_property
    def images(self) -> Images:
        """ECR."""
        return Images(self._client("ecr"))

    @cached_property
    def services(self) -> Services:
        """ECS."""
        return Services(self._client("ecs"))

    @cached_property
    def scaling(self) -> Scaling:
        """Application Auto Scaling."""
        return Scaling(self._client("application-autoscaling"))

    @cached_property
    def tasks(self) -> Tasks:
        """One-off ECS tasks and their logs."""
        return Tasks(self._client("ecs"), self._client("logs"))

    @cached_property
    def databases(self) -> Databases:
        """RDS."""
        return Databases(self._client("rds"))

    @cached_property
    def identity(self) -> Identity:
        """IAM."""
        return Identity(self._client("iam"))

    @cached_property
    def keys(self) -> Keys:
        """KMS."""
        return Keys(self._client("kms"))

    @cached_property
    def log_settings(self) -> LogSettings:
        """CloudWatch Logs."""
        return LogSettings(self._client("logs"))

    @cached_property
    def network(self) -> Network:
        """EC2 networks."""
        return Network(self._client("ec2"), self.settings.region)

    @cached_property
    def providers(self) -> Providers:
        """OIDC providers of IAM."""
        return Providers(self._client("iam"))

    @cached_property
    def queue_settings(self) -> QueueSettings:
        """SQS."""
        return QueueSettings(self._client("sqs"))

    @cached_property
    def quotas(self) -> Quotas:
        """Service Quotas."""
        return Quotas(self._client("service-quotas"))

    @cached_property
    def stored_images(self) -> StoredImages:
        """Images in ECR."""
        return StoredImages(self._client("ecr"))

    @cached_property
    def existing(self) -> ExistingResources:
        """Resources that Terraform would create and that exist."""
        return ExistingResources(self._client)

    def stored_images_in(self, region: str) -> StoredImages:
        """Images in ECR of a region, also of other accounts."""
        same = region == self.settings.region
        return self.stored_images if same else StoredImages(self._client("ecr", region))

    @cached_property
    def states(self) -> States:
        """States of the broker, the database and what else the workers depend on."""
        return States(self._client)

    @cached_property
    def sqs_states(self) -> SqsStates:
        """States of queues of SQS."""
        return SqsStates(self._client)

    def _client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Create the client of one service; by default in the region of the environment."""
        emulated = self.settings.endpoint_url is not None
        config = Config(
            connect_timeout=5,
            read_timeout=20 if emulated else 60,
            retries={"mode": "standard", "total_max_attempts": 2 if emulated else 5},
            s3={"addressing_style": "path" if emulated else "auto"},
        )
        # The type stubs accept only literal service names.
        make: Any = self._session.client
        with translated(service):
            return make(
                service,
                region_name=region,
                endpoint_url=self.settings.endpoint_url,
                config=config,
            )


def _block_changes(model: Any, **_event: Any) -> None:  # noqa: ANN401 - botocore's event
    """
    Block operations that change something, in a dry run.

    Raises:
        RefusedError: The operation is not read-only.
    """
    if not model.name.startswith(_READS):
        text = f"a dry run changes nothing, so {model.name} was not sent"
        raise RefusedError(
            text, where=model.service_model.service_name, next_step="omit --dry-run to send it"
        )
