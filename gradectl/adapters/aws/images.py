"""ECR: images of a repository, and the login for builders."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.errors import ConfigurationError, PermissionDeniedError, UnreachableError

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
#: Name of the list of attached documents, in a registry without the referrers API.
_INDEX_TAG = re.compile(r"sha256-[0-9a-f]{64}")


@dataclass(frozen=True)
class RegistryLogin:
    """Address and credentials of the registry; they are valid for twelve hours."""

    host: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class PushedImage:
    """
    An image in a repository.

    Attributes:
        digest: Digest of its manifest.
        tags: Its tags.
        bytes: What a task downloads.
        pushed_at: When it was pushed.
    """

    digest: str
    tags: tuple[str, ...]
    bytes: int
    pushed_at: datetime


class Images:
    """
    ECR.

    Args:
        client: A boto3 client of `ecr`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def login(self) -> RegistryLogin:
        """
        Read address and credentials of the registry.

        Raises:
            UnreachableError: The emulated account has no registry.
            PermissionDeniedError: The credentials are of an unknown form.
        """
        with translated("ECR"):
            answer = self._client.get_authorization_token()["authorizationData"][0]
        host = answer["proxyEndpoint"].removeprefix("https://")
        if answer["expiresAt"] < datetime.now(UTC):  # moto's answer without a registry
            text = "the login to this registry has expired; an emulated account may have none"
            raise UnreachableError(text, where=host, next_step="run it again")
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        if not password:
            text = "the credentials of the registry have an unknown form"
            raise PermissionDeniedError(text, where=host, next_step="update gradectl")
        return RegistryLogin(host, user, password)

    def repository_uri(self, repository: str) -> str:
        """
        Read the address of a repository.

        Raises:
            ConfigurationError: It does not exist.
        """
        with translated(f"image repository {repository}"):
            try:
                answer = self._client.describe_repositories(repositoryNames=[repository])
            except ClientError as error:
                raise _missing(error, repository) or error from error
        return str(answer["repositories"][0]["repositoryUri"])

    def find(self, repository: str, reference: str) -> PushedImage | None:
        """
        Look an image up by tag or digest.

        Raises:
            ConfigurationError: The repository does not exist.
        """
        with translated(f"image {repository}:{reference}"):
            try:
                answer = self._client.describe_images(
                    repositoryName=repository, imageIds=[_image_id(reference)]
                )
            except ClientError as error:
                if code_of(error) == "ImageNotFoundException":
                    return None
                raise _missing(error, repository) or error from error
        return next((_pushed(item) for item in answer["imageDetails"]), None)

    def all(self, repository: str) -> list[PushedImage]:
        """
        List the images of a repository, latest first.

        Raises:
            ConfigurationError: The repository does not exist.
        """
        found: list[PushedImage] = []
        with translated(f"image repository {repository}"):
            try:
                pages = self._client.get_paginator("describe_images")
                for page in pages.paginate(repositoryName=repository):
                    found += [_pushed(item) for item in page["imageDetails"] if _is_image(item)]
            except ClientError as error:
                raise _missing(error, repository) or error from error
        return sorted(found, key=lambda image: image.pushed_at, reverse=True)

    def annotations(self, repository: str, digest: str) -> Mapping[str, str]:
        """Read the annotations of an image; empty if it has none."""
        with translated(f"image {repository}@{digest}"):
            answer = self._client.batch_get_image(
                repositoryName=repository,
                imageIds=[_image_id(digest)],
                acceptedMediaTypes=list(_MANIFESTS),
            )
        for image in answer["images"]:
            found: dict[str, str] = json.loads(image["imageManifest"]).get("annotations") or {}
            return found
        return {}


def _image_id(reference: str) -> dict[str, str]:
    return {"imageDigest" if reference.startswith("sha256:") else "imageTag": reference}


def _pushed(item: Mapping[str, Any]) -> PushedImage:
    return PushedImage(
        item["imageDigest"],
        tuple(item.get("imageTags", ())),
        int(item.get("imageSizeInBytes") or 0),
        item["imagePushedAt"],
    )


def _is_image(item: Mapping[str, Any]) -> bool:
    """Whether it can be run; ECR also lists the documents that are attached to images."""
    kind = item.get("artifactMediaType") or ""
    tags = item.get("imageTags") or ()
    return not kind.endswith("cyclonedx+json") and not any(_INDEX_TAG.fullmatch(x) for x in tags)


def _missing(error: ClientError, repository: str) -> ConfigurationError | None:
    """Translate the error of a repository that does not exist."""
    if code_of(error) != "RepositoryNotFoundException":
        return None
    text = "the image repository does not exist"
    return ConfigurationError(text, where=repository, next_step="gradectl bootstrap ENVIRONMENT")
