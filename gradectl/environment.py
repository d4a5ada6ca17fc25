"""Reads environments/<name>/environment.yaml."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from gradectl.errors import ConfigurationError

FOLDER = "environments"
FILE = "environment.yaml"


def _not_reserved(name: str) -> str:
    """Reject the prefixes that AWS reserves for parameter names."""
    if name.startswith(("aws", "ssm")):
        text = "must not begin with 'aws' or 'ssm', which AWS reserves in SSM parameters"
        raise ValueError(text)
    return name


Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=24),
    AfterValidator(_not_reserved),
]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]

Model = TypeVar("Model", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of the mappings in files; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StateSettings(StrictModel):
    """Location of the Terraform state."""

    bucket: BucketName


class FilesSettings(StrictModel):
    """Location of submissions, problems and results."""

    bucket: BucketName


class ImageSettings(StrictModel):
    """
    How the image of the worker is built.

    Attributes:
        base: Image to start from, or `debootstrap` to make one from Debian's archive.
        languages: `minimal` for Python, C and C++; `full` for all.
        headers: Whether to precompile the header bits/stdc++.h.
        packages: Any word; a new one installs the current versions of all packages.
    """

    base: str = "docker.io/library/debian:bookworm-slim"
    languages: Literal["minimal", "full"] = "minimal"
    headers: bool = False
    packages: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]*$")] = ""


class Environment(StrictModel):
    """
    One deployment of the system.

    Attributes:
        schema_version: Version of the file format.
        name: Name of the folder and value of Terraform's `environment_name`.
        account_id: The AWS account of the environment; no other is accepted.
        region: AWS region.
        emulated: True when the local stack provides the AWS API.
        terraform: `external` when another project has the Terraform of the environment.
        state: Location of the state, when not the default bucket.
        files: Location of submissions and results, when external and not the default bucket.
        image: How the image of the worker is built.
        variables: Values for the variables of the Terraform root.
    """

    schema_version: Literal[1]
    name: Name
    account_id: AccountId
    region: Region
    emulated: bool = False
    terraform: Literal["gradectl", "external"] = "gradectl"
    state: StateSettings | None = None
    files: FilesSettings | None = None
    image: ImageSettings = ImageSettings()
    variables: dict[str, Any] = Field(default_factory=dict)

    @field_validator("variables", mode="before")
    @classmethod
    def _no_variables(cls, value: object) -> object:
        """Accept the key without a value, as YAML reads it when all variables are commented out."""
        return {} if value is None else value

    @model_validator(mode="after")
    def _keys_fit_the_terraform(self) -> Environment:
        """Reject keys that would have no effect."""
        if self.external and (self.variables or self.state):
            unused = "variables" if self.variables else "state"
            text = f"{unused} has no effect with terraform: external; remove it"
            raise ValueError(text)
        if self.files and not self.external:
            text = "files is for terraform: external; set variables.s3_bucket_name instead"
            raise ValueError(text)
        return self

    @property
    def external(self) -> bool:
        """Whether another project has the Terraform of the environment."""
        return self.terraform == "external"

    @property
    def state_bucket(self) -> str:
        """Name of the bucket with the Terraform state."""
        if self.state:
            return self.state.bucket
        return f"{self.name}-gradectl-state-{self.account_id}"

    @property
    def image_repository(self) -> str:
        """Name of the repository with the images of the worker."""
        return f"{self.name}-grading-worker"

    @property
    def architecture(self) -> str:
        """Architecture of the workers: X86_64 or ARM64."""
        return str(self.variables.get("ecs_architecture") or "X86_64")

    @property
    def has_broker(self) -> bool:
        """Whether the environment has a broker: without SQS, or while one of them is drained."""
        values = self.variables
        return not values.get("use_sqs_queue") or bool(values.get("drain_other_transport"))

    @property
    def has_api(self) -> bool:
        """Whether the environment has the HTTP API."""
        return bool(self.variables.get("enable_api"))

    @property
    def has_cache(self) -> bool:
        """Whether the environment has a Redis of its own."""
        return bool(self.variables.get("enable_redis")) and not self.variables.get("redis_existing")

    @property
    def files_bucket(self) -> str:
        """Name of the bucket with submissions, problems and results."""
        if self.files:
            return self.files.bucket
        return str(self.variables.get("s3_bucket_name") or f"{self.name}-grading-files")


def names(project_root: Path) -> list[str]:
    """Names of all environments of a project, sorted."""
    return sorted(path.parent.name for path in (project_root / FOLDER).glob(f"*/{FILE}"))


def load(project_root: Path, name: str) -> Environment:
    """
    Read one environment.

    Args:
        project_root: The folder that holds environments/.
        name: The environment's name.

    Raises:
        ConfigurationError: It does not exist, or its file is invalid.
    """
    path = project_root / FOLDER / name / FILE
    where = f"{FOLDER}/{name}/{FILE}"
    if name not in names(project_root):
        raise _unknown(name, names(project_root))
    environment = validated(Environment, read_mapping(path, where), where)
    if environment.name != name:
        text = f"name is {environment.name!r}, but the folder is {name!r}"
        raise ConfigurationError(text, where=where, next_step=f"set name: {name}")
    return environment


def read_mapping(path: Path, where: str) -> dict[str, Any]:
    """
    Read a YAML file that holds a mapping.

    Args:
        path: The file.
        where: The file as errors name it.

    Raises:
        ConfigurationError: It cannot be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        what = f"invalid YAML: {error}"
        raise ConfigurationError(what, where=where, next_step="fix the syntax") from error
    return _mapping(text, where)


def parse(text: str, where: str) -> Environment:
    """
    Read an environment from the text of its file.

    Args:
        text: The text.
        where: The file as errors name it.

    Raises:
        ConfigurationError: It is invalid.
    """
    return validated(Environment, _mapping(text, where), where)


def _mapping(text: str, where: str) -> dict[str, Any]:
    """Parse YAML that holds a mapping."""
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        what = f"invalid YAML: {error}"
        raise ConfigurationError(what, where=where, next_step="fix the syntax") from error
    if not isinstance(content, dict):
        text = "the file must be a mapping of keys to values"
        raise ConfigurationError(text, where=where, next_step="write key: value lines")
    return content


def validated(kind: type[Model], content: dict[str, Any], where: str) -> Model:
    """
    Validate the keys and values of a file.

    Args:
        kind: The model of the file.
        content: The mapping.
        where: The file as errors name it.

    Raises:
        ConfigurationError: Some are invalid; the error lists all of them.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [
            (".".join(str(part) for part in item["loc"]), item["type"], item["msg"])
            for item in error.errors()
        ]
    keys = list(kind.model_fields)
    lines = [_complaint(key, kind, message) for key, kind, message in problems]
    unknown = [key for key, kind, _ in problems if kind == "extra_forbidden"]
    suggestions = [hint for key in unknown if (hint := near(key, keys))]
    next_step = suggestions[0] if suggestions else f"keys: {', '.join(keys)}"
    raise ConfigurationError("\n".join(lines), where=where, next_step=next_step)


def near(word: str, known: list[str]) -> str:
    """Suggest the known word that is most similar; "" when none is."""
    matches = get_close_matches(word, known, n=1)
    return f"did you mean {matches[0]!r}?" if matches else ""


def _unknown(name: str, known: list[str]) -> ConfigurationError:
    """The error for an unknown environment, which lists the known ones."""
    listed = f"known: {', '.join(known)}" if known else f"{FOLDER}/ has none"
    suggestion = near(name, known) or f"create {FOLDER}/{name}/{FILE}"
    what = f"environment {name!r} not found; {listed}"
    return ConfigurationError(what, where=FOLDER, next_step=suggestion)


def _complaint(key: str, kind: str, message: str) -> str:
    """Describe the error of one key."""
    if kind == "extra_forbidden":
        return f"unknown key {key!r}"
    if kind == "string_type":  # YAML reads an account id without quotes as a number
        return f'{key}: must be a string, in quotes: {key}: "..."'
    return f"{key}: {message}" if key else message.removeprefix("Value error, ")
