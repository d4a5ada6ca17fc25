"""Reads and writes release.json, which names the image that the next plan uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from gradectl.environment import FILE, FOLDER, Environment
from gradectl.errors import ConfigurationError

RELEASE = "release.json"
IMAGE_VARIABLE = "grading_container_image"
#: With this variable Terraform registers task definitions, and a pipeline deploys them.
PIPELINE_VARIABLE = "ecs_ignore_task_definition_changes"
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][^\s@]+@sha256:[0-9a-f]{64}$")]


class Release(BaseModel):
    """
    An image in the repository of an environment.

    Attributes:
        schema_version: Version of the file format.
        image: The image by digest, as ECS pulls it.
        digest: Digest of its manifest.
        tag: Its tag, which names the content that it was built from.
        architecture: X86_64 or ARM64.
        version: Version of the worker.
        commit: The latest commit that changed the content; empty if unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    image: Image
    digest: Digest
    tag: str
    architecture: Literal["X86_64", "ARM64"]
    version: str
    commit: str = ""


def release_path(project_root: Path, environment: Environment) -> Path:
    """Path of the file."""
    return project_root / FOLDER / environment.name / RELEASE


def read_release(project_root: Path, environment: Environment) -> Release | None:
    """
    Read the release of an environment; None if no image was pushed.

    Raises:
        ConfigurationError: The file is invalid, contradicts environment.yaml, or its image is for
            another architecture.
    """
    path = release_path(project_root, environment)
    if not path.is_file():
        return None
    where = f"{FOLDER}/{environment.name}/{RELEASE}"
    push = f"gradectl image push {environment.name}"
    try:
        release = Release.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, ValueError) as error:
        lines = [str(error)]
        if isinstance(error, ValidationError):
            lines = [f"{item['loc'] or 'file'}: {item['msg']}" for item in error.errors()]
        text = "invalid: " + "\n".join(lines)
        raise ConfigurationError(text, where=where, next_step=push) from error
    check_no_own_image(environment)
    if release.architecture != environment.architecture:
        text = f"the image is for {release.architecture}, but ecs_architecture is "
        text += environment.architecture
        raise ConfigurationError(text, where=where, next_step=push)
    return release


def check_no_own_image(environment: Environment) -> None:
    """
    Check that environment.yaml does not name an image of its own.

    Raises:
        ConfigurationError: It does.
    """
    if IMAGE_VARIABLE in environment.variables:
        text = f"{IMAGE_VARIABLE!r} is set by {RELEASE}"
        where = f"{FOLDER}/{environment.name}/{FILE}: variables"
        hint = f"remove it from variables, or delete {RELEASE} to use an image of your own"
        raise ConfigurationError(text, where=where, next_step=hint)


def deployed_by_pipeline(environment: Environment) -> bool:
    """Whether Terraform only registers the task definitions that something else deploys."""
    return bool(environment.variables.get(PIPELINE_VARIABLE))


def write_release(project_root: Path, environment: Environment, release: Release) -> bool:
    """Write the release of an environment; returns False when it has not changed."""
    path = release_path(project_root, environment)
    text = release.model_dump_json(indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True
