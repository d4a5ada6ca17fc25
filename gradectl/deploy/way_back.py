"""The way back from a deployment: the command to offer, and the image that the next plan keeps."""

from __future__ import annotations

import re
from pathlib import Path

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.images.architectures import ARCHITECTURES
from gradectl.deploy.release import (
    IMAGE_VARIABLE,
    Release,
    release_path,
    write_release,
)
from gradectl.deploy.rendering import outdated, rendered
from gradectl.environment import Environment
from gradectl.errors import GradectlError, RefusedError
from gradectl.monitoring.names import ResourceNames
from gradectl.rollouts.revisions import revision_states, rollback_target

_REVISIONS = 100
_DIGEST = re.compile(r"(?P<name>[a-z0-9][^\s@]*)@(?P<digest>sha256:[0-9a-f]{64})")
_VERSION = "org.opencontainers.image.version"
_REVISION = "org.opencontainers.image.revision"
_NAMES = {each.image: each.name for each in ARCHITECTURES}


def offer(aws: Aws, environment: Environment) -> str:
    """
    Say how to go back after a deployment that does not work; reads only.

    Args:
        aws: The account.
        environment: The environment.

    Returns:
        The command, or the reason why there is none. A read that fails does not raise, because it
        must not hide why the deployment does not work.
    """
    names = ResourceNames.of(environment)
    services = aws.services
    try:
        service = services.find(names.cluster, names.service)
        if service is None:
            return "there is no way back: the environment has no workers"
        found = services.revisions(names.task_family, names.container, _REVISIONS)
        history = services.history(names.cluster, names.service, names.container)
        states = revision_states(found, service, history)
        back = rollback_target(states, service, history, None, environment.name)
    except RefusedError as error:
        return f"there is no way back: {error.what}"
    except GradectlError as error:
        step = f"gradectl revisions {environment.name}"
        return f"the way back could not be read: {error.what}; {step}"
    number = back.revision.number
    return f"the way back: gradectl rollback {environment.name} {number} ({back.image})"


def keep_image(
    project_root: Path, environment: Environment, aws: Aws, image: str
) -> tuple[Path, ...] | None:
    """
    Write release.json for an image that was deployed again, so that the next plan keeps it.

    Args:
        project_root: The folder that holds environments/.
        environment: The environment.
        aws: The account.
        image: The image, by digest.

    Returns:
        The written files; None where release.json does not choose the image: environment.yaml
        names one, the image is not in the repository of the environment, or it is for another
        architecture.
    """
    parts = _DIGEST.fullmatch(image)
    folder = release_path(project_root, environment).parent
    if parts is None or IMAGE_VARIABLE in environment.variables or not folder.is_dir():
        return None
    repository, digest = environment.image_repository, parts["digest"]
    if not parts["name"].endswith(f"/{repository}"):
        return None
    found = aws.images.find(repository, digest)
    if found is None or not _fits(aws, environment, digest):
        return None
    about = aws.images.annotations(repository, digest)
    release = Release(
        image=image,
        digest=digest,
        tag=found.tags[0] if found.tags else digest,
        architecture=environment.architecture,
        version=about.get(_VERSION, "unknown"),
        commit=about.get(_REVISION, "").removesuffix("unknown"),
    )
    return _write(project_root, environment, release)


def _write(project_root: Path, environment: Environment, release: Release) -> tuple[Path, ...]:
    """Write release.json and the variables of Terraform."""
    written = []
    if write_release(project_root, environment, release):
        written.append(release_path(project_root, environment))
    files = rendered(project_root, environment)
    for path in outdated(files):
        path.write_text(files[path], encoding="utf-8")
        written.append(path)
    return tuple(written)


def _fits(aws: Aws, environment: Environment, digest: str) -> bool:
    """Whether the image is for the architecture of the tasks, as far as that can be read."""
    repository = environment.image_repository
    stored = aws.stored_images.find(environment.account_id, repository, digest)
    known = [_NAMES.get(each, each) for each in stored.architectures] if stored else []
    return not known or environment.architecture in known
