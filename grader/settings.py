"""Settings of the worker; the only module that reads its environment variables."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from grader.contract import names
from grader.errors import SettingsError
from grader.logs import LogFormat, LogLevel

_Settings = TypeVar("_Settings", bound=BaseSettings)
_Text = TypeVar("_Text", str, str | None)
_Name = Annotated[str, Field(min_length=1)]
_MISSING: Final = "Field required"
_COMMANDS: Final = {"ApiSettings": "grader api"}
_SIGNING_SECRETS: Final = (
    "SSM parameter: secrets that sign the webhooks, whsec_... separated by spaces;"
    " during a rotation the new one first"
)
_SWITCHES = ("use_sqs_queue", "drain_other_transport")


class LogSettings(BaseSettings):
    """Log format and level; read first."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    log_format: LogFormat = Field("text", description="format of log lines: text or json")
    log_level: LogLevel = Field("INFO", description="lowest level that is logged")


class HealthSettings(BaseSettings):
    """Address of the health page."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    health_host: _Name = Field(
        "127.0.0.1",
        description="address that serves /health; 0.0.0.0 if a load balancer checks it too",
    )
    health_port: int = Field(
        8080, ge=0, le=65535, description="port that serves /health; 0: any free port"
    )


class DatabaseSettings(BaseSettings):
    """Names of the SSM parameters with endpoint and login of the database."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    aws_region: _Name = Field("ap-northeast-2", description="AWS region of the bucket and of SSM")
    db_endpoint_param: _Name = Field(description="SSM parameter: host:port of the database")
    db_name_param: _Name = Field(description="SSM parameter: name of the database")
    db_username_param: _Name = Field(description="SSM parameter: user of the database")
    db_password_param: _Name = Field(description="SSM parameter: the user's password")
    db_ca_file: Path | None = Field(
        None,
        description="file of trusted authorities for the database; unset: no certificate check",
    )


class DatabaseUserSettings(DatabaseSettings):
    """Logins of the database users, and of the administrator who creates them."""

    db_admin_username_param: _Name = Field(
        description="SSM parameter: administrator of the database"
    )
    db_admin_password_param: _Name = Field(
        description="SSM parameter: the administrator's password"
    )
    db_password_param: str = Field(
        "", description="SSM parameter: the user's password; not needed with --iam"
    )
    db_reader_username_param: str = Field(
        "", description="SSM parameter: user of the API, which only reads; empty: none is created"
    )
    db_reader_password_param: str = Field(
        "", description="SSM parameter: that user's password; not needed with --iam"
    )


class SandboxSettings(BaseSettings):
    """Sandbox, languages and cache."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    launcher_path: Path = Field(
        Path("/usr/local/libexec/grader/launcher"), description="path of the sandbox launcher"
    )
    languages: str = Field(
        "all", description="languages to grade, separated by commas; all: every installed one"
    )
    warm_interpreters: bool = Field(
        True, description="start interpreters ahead of time and fork them for each test case"
    )
    cache_directory: Path | None = Field(
        None,
        description="directory of cached test cases and programs; unset: a temporary one",
    )
    cache_max_mb: int = Field(2048, ge=64, description="size limit of the cache, MB")


class WebhookHostSettings(BaseSettings):
    """Hosts that may receive webhooks; the API refuses others at once."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    webhook_allowed_hosts: str = Field(
        "",
        description="hosts that may receive webhooks, separated by commas: a name, *.example.com"
        " for its subdomains, or * for every public host; empty: none may",
    )
    webhook_private_hosts: str = Field(
        "",
        description="hosts that may also have a private address, in the same form; localhost must"
        " be named here",
    )


class WebhookSettings(WebhookHostSettings):
    """How webhooks are signed and sent."""

    webhook_secret_param: str = Field(
        "",
        description=_SIGNING_SECRETS,
    )
    webhook_headers_param: str = Field(
        "",
        description='SSM parameter: headers for receivers, as JSON {"host": {"Header": "value"}};'
        " empty: none",
    )
    webhook_ca_file: Path | None = Field(
        None,
        description="file of authorities for receivers, in addition to those of the system",
    )


class WebhookSenderSettings(DatabaseSettings, HealthSettings, LogSettings, WebhookSettings):
    """Settings of `grader webhooks`."""

    webhook_secret_param: _Name = Field(description=_SIGNING_SECRETS)


class WebhookTestSettings(LogSettings, WebhookSettings):
    """Settings of `grader webhook-test`."""

    aws_region: _Name = Field("ap-northeast-2", description="AWS region of SSM")


class RedisSettings(BaseSettings):
    """Names of the SSM parameters with address and password of Redis."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    redis_url_param: str = Field(
        "", description="SSM parameter: rediss://host:port of Redis or Valkey; empty: none"
    )
    redis_password_param: str = Field(
        "", description="SSM parameter: password of Redis; empty: none"
    )
    redis_ca_file: Path | None = Field(
        None,
        description="file of trusted authorities for Redis, in addition to those of the system",
    )


class DrainSettings(BaseSettings):
    """Whether both transports are used; read before `QueueSettings`, which depends on it."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    drain_other_transport: bool = Field(
        False,
        description="also process what is left in the transport that USE_SQS_QUEUE turns off",
    )


class QueueSettings(BaseSettings):
    """Transport of the messages, and names of the queues."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    use_sqs_queue: bool = Field(
        False, description="use Amazon SQS instead of the broker for requests"
    )
    mq_endpoint_param: str = Field(
        "",
        validate_default=True,
        description="SSM parameter: broker endpoints, separated by commas; not needed on SQS",
    )
    mq_username_param: str = Field(
        "",
        validate_default=True,
        description="SSM parameter: user of the broker; not needed on SQS",
    )
    mq_password_param: str = Field(
        "",
        validate_default=True,
        description="SSM parameter: the user's password; not needed on SQS",
    )
    sqs_queue_url: str | None = Field(
        None,
        validate_default=True,
        description="URL of the queue of requests; needed on SQS",
    )
    sqs_priority_queue_url: str | None = Field(
        None,
        description="URL of the queue of priority requests; empty: none; unset: SQS_QUEUE_URL with"
        " PRIORITY_QUEUE_NAME at the end",
    )
    queue_name: _Name = Field(names.REQUESTS_QUEUE, description="queue of requests")
    priority_queue_name: str = Field(
        names.PRIORITY_QUEUE, description="queue of priority requests; empty: none"
    )

    @field_validator("mq_endpoint_param", "mq_username_param", "mq_password_param")
    @classmethod
    def _needed_for_the_broker(cls, value: str, info: ValidationInfo) -> str:
        on_sqs, draining = (info.data.get(name) for name in _SWITCHES)
        return _if_needed(value, "", is_needed=not on_sqs or bool(draining))

    @field_validator("sqs_queue_url")
    @classmethod
    def _needed_for_sqs(cls, value: str | None, info: ValidationInfo) -> str | None:
        return _if_needed(value, None, is_needed=any(map(info.data.get, _SWITCHES)))

    @property
    def queues(self) -> tuple[str, ...]:
        """The request queues, the priority queue first."""
        both = (self.priority_queue_name, self.queue_name)
        return tuple(name for name in both if name)


class WorkerSettings(
    RedisSettings,
    DatabaseSettings,
    HealthSettings,
    LogSettings,
    SandboxSettings,
    WebhookSettings,
    QueueSettings,
    DrainSettings,
):
    """All settings of a worker; the task definition sets them."""

    environment: _Name = Field(description="name of the environment, e.g. production")
    grading_bucket: _Name = Field(description="bucket of submissions, problems and results")
    sqs_result_queue_url: str | None = Field(
        None,
        description="URL of the queue of results; unset: SQS_QUEUE_URL with RESULT_QUEUE_NAME at"
        " the end",
    )
    sqs_dlq_url: str | None = Field(
        None,
        description="URL of the dead-letter queue; unset: SQS_QUEUE_URL with DLQ_NAME at the end",
    )
    sqs_wait_seconds: int = Field(
        20, ge=1, le=20, description="longest time that SQS waits for a request, seconds"
    )
    sqs_visibility_seconds: int = Field(
        120,
        ge=3,
        le=43_200,
        description="time that SQS hides a received request, seconds; extended while its job runs",
    )
    result_queue_name: _Name = Field(names.RESULTS_QUEUE, description="queue of results")
    result_expiry_seconds: int = Field(
        0,
        ge=0,
        description="seconds after which the broker drops an unconsumed result message; 0: never",
    )
    dlq_name: _Name = Field(
        names.DEAD_LETTER_QUEUE,
        description="dead-letter queue: copies of requests that cannot be done",
    )
    job_handler: _Name = Field(
        "grading",
        description="name of the handler that processes requests; several, separated by commas, are"
        " chosen by the message, such as grading,function",
    )
    worker_slots: int = Field(
        1, ge=1, le=64, description="requests that a worker processes at the same time"
    )
    look_ahead: int = Field(
        2, ge=0, le=16, description="waiting requests to prefetch for while a job runs; 0: none"
    )
    max_attempts: int = Field(6, ge=1, description="attempts before a request fails")
    max_crashes: int = Field(
        3, ge=1, description="attempts in a row that may end their worker before a request fails"
    )
    retry_delay_ms: int = Field(
        5000,
        ge=1,
        description="shortest delay before another attempt, milliseconds; doubled each time",
    )
    retry_max_delay_ms: int = Field(
        300_000, ge=1, description="longest delay before another attempt, milliseconds"
    )
    claim_renewal_seconds: int = Field(
        60,
        ge=1,
        le=3600,
        description="seconds between renewals of the claim of a running request; a worker that died"
        " holds its claim for three of them",
    )
    max_time_limit_ms: int = Field(30_000, ge=1, description="highest timeLimit, milliseconds")
    max_memory_limit_mb: int = Field(512, ge=1, description="highest memoryLimit, MB")
    max_source_bytes: int = Field(1_048_576, ge=1, description="largest source file, bytes")
    function_pool_mb: int = Field(
        256,
        ge=0,
        description="memory of interpreters that are started ahead for functions, MB; 0: none",
    )
    function_max_output_bytes: int = Field(
        262_144,
        ge=1024,
        le=500_000,
        description="largest stdout and stderr of a function, bytes each",
    )
    drain_seconds: int = Field(
        100,
        ge=0,
        description="seconds a running request may take after SIGTERM, then it is given back; less"
        " than the stop timeout of the task",
    )
    progress_interval_ms: int = Field(
        1000,
        ge=0,
        description="time between two notes of the progress of running jobs in the database,"
        " milliseconds; 0: none. With Redis the progress goes there instead",
    )
    task_protection: bool = Field(
        True, description="protect the task from scale-in while a job runs for long, on ECS"
    )
    ecs_agent_uri: str = Field("", description="address of the ECS agent; set by ECS")
    webhooks_enabled: bool = Field(
        False, description="send the webhooks that are due, in the background"
    )

    @field_validator("webhooks_enabled")
    @classmethod
    def _can_sign(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("webhook_secret_param"):
            raise PydanticCustomError("webhooks", "needs WEBHOOK_SECRET_PARAM")
        return value

    @property
    def uses_broker(self) -> bool:
        """Whether the worker receives requests from the broker."""
        return not self.use_sqs_queue or self.drain_other_transport

    @property
    def uses_sqs(self) -> bool:
        """Whether the worker receives requests from SQS."""
        return self.use_sqs_queue or self.drain_other_transport


class ApiSettings(RedisSettings, DatabaseSettings, LogSettings, WebhookHostSettings, QueueSettings):
    """All settings of the HTTP API; the task definition sets them."""

    environment: _Name = Field(description="name of the environment, e.g. production")
    grading_bucket: _Name = Field(description="bucket of submissions, problems and results")
    api_host: _Name = Field(
        "127.0.0.1", description="address that the API listens on; 0.0.0.0 in a container"
    )
    api_port: int = Field(
        8080, ge=0, le=65535, description="port that the API listens on; 0: any free port"
    )
    sqs_dlq_url: str | None = Field(
        None,
        description="URL of the dead-letter queue, for the operator's page; unset: not counted",
    )
    dlq_name: _Name = Field(names.DEAD_LETTER_QUEUE, description="dead-letter queue")
    api_keys_prefix: str = Field(
        "",
        description="prefix of the SSM parameters of the API keys; empty: /ENVIRONMENT/api-keys/",
    )
    api_rate_per_minute: int = Field(
        600, ge=1, description="calls a minute of a key that has no rate of its own"
    )
    api_concurrency: int = Field(
        50, ge=1, description="calls at the same time of a key that has no limit of its own"
    )
    api_oidc_issuer: str = Field(
        "", description="issuer of tokens (OpenID Connect) that are accepted; empty: none"
    )
    api_oidc_audience: str = Field("", description="audience that a token must have")
    api_oidc_scopes: str = Field(
        "submit,read-own", description="scopes of a caller with a token, separated by commas"
    )
    api_oidc_user_claim: _Name = Field("sub", description="claim of a token with the user id")
    api_trusted_proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="proxies in front of the API that append to X-Forwarded-For; 1 behind a load"
        " balancer",
    )
    api_cors_origins: str = Field(
        "", description="origins whose pages may call the API, separated by commas; empty: none"
    )
    api_max_body_bytes: int = Field(
        2_097_152, ge=1024, description="largest body of a request, bytes"
    )
    max_source_bytes: int = Field(
        1_048_576, ge=1, description="largest source file, bytes; as for the workers"
    )
    api_max_streams: int = Field(
        1000, ge=1, description="most event streams of a process; the next one is refused"
    )
    api_max_waiters: int = Field(
        2000, ge=1, description="most callers of a process that wait; the next one does not wait"
    )
    api_max_queue: int = Field(
        0, ge=0, description="waiting requests at which new ones are refused; 0: no limit"
    )
    api_wait_enabled: bool = Field(
        True, description="let POST /v1/run wait for the result; false: it answers 202 at once"
    )

    @property
    def keys_prefix(self) -> str:
        """Prefix of the SSM parameters of the API keys."""
        return self.api_keys_prefix or f"/{self.environment}/api-keys/"


def _if_needed(value: _Text, other: _Text, *, is_needed: bool) -> _Text:
    """Refuse a missing value as pydantic does for a required field; `other` if it is not used."""
    if is_needed and not value:
        raise PydanticCustomError("missing", _MISSING)
    return value if is_needed else other


def load(model: type[_Settings]) -> _Settings:
    """
    Read settings from the environment variables.

    Raises:
        SettingsError: Some are missing or invalid; lists each with its meaning.
    """
    try:
        return model()
    except ValidationError as error:
        problems = [
            f"{str(item['loc'][0]).upper()}: {_problem(model, str(item['loc'][0]), item['msg'])}"
            for item in error.errors(include_url=False, include_input=False)
        ]
    command = _COMMANDS.get(model.__name__, "grader worker")
    raise SettingsError(
        "; ".join(problems),
        where="environment variables",
        next_step=f"set them; '{command} --help' lists them all",
    )


def _problem(model: type[BaseSettings], name: str, message: str) -> str:
    if message == _MISSING:
        return f"is not set ({model.model_fields[name].description})"
    return message


def explain(model: type[BaseSettings]) -> list[tuple[str, str, str]]:
    """Name, default and meaning of each variable; the default of a required one is empty."""
    return [
        (
            name.upper(),
            "" if field.is_required() else str(field.default),
            field.description or "",
        )
        for name, field in model.model_fields.items()
    ]


def worker_id() -> str:
    """Identify this process: host name (on ECS the task's address) and process id."""
    return f"{socket.gethostname()}-{os.getpid()}"
