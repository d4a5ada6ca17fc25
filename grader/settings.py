"""What the worker is told by its environment variables; the only place that reads them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from grader.contract import names
from grader.errors import SettingsError
from grader.logs import LogFormat, LogLevel

_Settings = TypeVar("_Settings", bound=BaseSettings)
_Name = Annotated[str, Field(min_length=1)]


class LogSettings(BaseSettings):
    """How to log; read before everything else."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    log_format: LogFormat = Field("text", description="log lines as text, or as json")
    log_level: LogLevel = Field("INFO", description="least important level that is logged")


class HealthSettings(BaseSettings):
    """Where health is served."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    health_host: _Name = Field(
        "127.0.0.1", description="address of /health; 0.0.0.0 when a load balancer asks too"
    )
    health_port: int = Field(8080, ge=0, le=65535, description="port of /health; 0: any free one")


class DatabaseSettings(BaseSettings):
    """How the database is found: names of SSM parameters, never values."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    aws_region: _Name = Field("ap-northeast-2", description="region of the bucket and of SSM")
    db_endpoint_param: _Name = Field(description="SSM parameter: host:port of the database")
    db_name_param: _Name = Field(description="SSM parameter: name of the database")
    db_username_param: _Name = Field(description="SSM parameter: user of the database")
    db_password_param: _Name = Field(description="SSM parameter: the user's password")
    db_ca_file: Path | None = Field(
        None, description="certificates that the database's must be signed by; None: any will do"
    )


class DatabaseUserSettings(DatabaseSettings):
    """Who the application's user of the database is, and who makes it."""

    db_admin_username_param: _Name = Field(description="SSM parameter: the administrator")
    db_admin_password_param: _Name = Field(
        description="SSM parameter: the administrator's password"
    )
    db_password_param: str = Field(
        "", description="SSM parameter: the user's password; not needed with --iam"
    )


class SandboxSettings(BaseSettings):
    """What runs submissions, and which."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    launcher_path: Path = Field(
        Path("/usr/local/libexec/grader/launcher"), description="the sandbox launcher"
    )
    languages: str = Field(
        "all", description="languages to grade, with commas; all: those that are installed"
    )
    warm_interpreters: bool = Field(
        True, description="whether interpreters may be started before their program is there"
    )
    cache_directory: Path | None = Field(
        None, description="where test cases and programs are kept; None: as long as the worker runs"
    )
    cache_max_mb: int = Field(2048, ge=64, description="disk that they may take, MB")


class WorkerSettings(DatabaseSettings, HealthSettings, LogSettings, SandboxSettings):
    """Everything a worker is told; the task definition sets it."""

    environment: _Name = Field(description="name of the environment, e.g. production")
    grading_bucket: _Name = Field(description="bucket of submissions, problems and results")
    mq_endpoint_param: _Name = Field(description="SSM parameter: broker endpoints, with commas")
    mq_username_param: _Name = Field(description="SSM parameter: user of the broker")
    mq_password_param: _Name = Field(description="SSM parameter: the user's password")
    queue_name: _Name = Field(names.REQUESTS_QUEUE, description="queue of requests")
    priority_queue_name: str = Field(
        names.PRIORITY_QUEUE, description="queue of urgent requests; empty: none"
    )
    result_queue_name: _Name = Field(names.RESULTS_QUEUE, description="queue of results")
    dlq_name: _Name = Field(names.DEAD_LETTER_QUEUE, description="queue of what cannot be done")
    job_handler: _Name = Field("grading", description="what is done with a request")
    worker_slots: int = Field(1, ge=1, le=64, description="requests worked on at a time")
    look_ahead: int = Field(
        2, ge=0, le=16, description="waiting requests to fetch for while a job runs; 0: none"
    )
    max_attempts: int = Field(3, ge=1, description="attempts before a request is given up")
    retry_delay_ms: int = Field(5000, ge=1, description="milliseconds before another attempt")
    max_time_limit_ms: int = Field(30_000, ge=1, description="highest timeLimit, milliseconds")
    max_memory_limit_mb: int = Field(512, ge=1, description="highest memoryLimit, MB")
    max_source_bytes: int = Field(1_048_576, ge=1, description="largest source file, bytes")
    drain_seconds: int = Field(
        100, ge=0, description="seconds a running request may take after SIGTERM"
    )

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues to work from, the most urgent first."""
        both = (self.priority_queue_name, self.queue_name)
        return tuple(name for name in both if name)


def load(model: type[_Settings]) -> _Settings:
    """
    Read settings from the environment variables.

    Raises:
        SettingsError: Some are missing or invalid; names each, and says what it is for.
    """
    try:
        return model()
    except ValidationError as error:
        problems = [
            f"{str(item['loc'][0]).upper()}: {_problem(model, str(item['loc'][0]), item['msg'])}"
            for item in error.errors(include_url=False, include_input=False)
        ]
    raise SettingsError(
        "; ".join(problems),
        where="environment variables",
        next_step="set them; 'grader worker --help' explains each",
    )


def _problem(model: type[BaseSettings], name: str, message: str) -> str:
    if message == "Field required":
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
    """Tell this process from others: the host (on ECS the task's address) and the process id."""
    return f"{socket.gethostname()}-{os.getpid()}"
