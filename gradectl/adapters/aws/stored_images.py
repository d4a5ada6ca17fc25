"""Images in ECR: whether they exist, and for which platform."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import urlopen

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import StoredImage

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MISSING = ("RepositoryNotFoundException", "ImageNotFoundException")
_SECONDS = 10
_CONFIG_BYTES = 1 << 20


class StoredImages:
    """
    Images in ECR.

    Args:
        client: A boto3 client of `ecr`.
        fetch: Downloads a small document from a presigned URL.
    """

    def __init__(self, client: Any, fetch: Callable[[str], bytes] | None = None) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client
        self._fetch = fetch or _download

    def find(self, registry: str, repository: str, reference: str) -> StoredImage | None:
        """
        Find an image.

        Args:
            registry: ID of the account of the registry.
            repository: Name of the repository.
            reference: A tag, or `sha256:...`.

        Returns:
            None when the repository or the image does not exist.
        """
        key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        where = {"registryId": registry, "repositoryName": repository}
        with translated(f"image {repository}:{reference}"):
            try:
                answer = self._client.batch_get_image(
                    **where,
                    imageIds=[{key: reference}],
                    acceptedMediaTypes=[*_INDEXES, *_MANIFESTS],
                )
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
            if not answer.get("images"):
                return None
            image = answer["images"][0]
            manifest = json.loads(image["imageManifest"])
            return StoredImage(image["imageId"]["imageDigest"], self._platforms(where, manifest))

    def _platforms(self, where: Mapping[str, str], manifest: Mapping[str, Any]) -> tuple[str, ...]:
        """Architectures of an index, or of the configuration of a single image."""
        if "manifests" in manifest:
            found = [one.get("platform", {}).get("architecture") for one in manifest["manifests"]]
            return tuple(sorted({one for one in found if one and one != "unknown"}))
        digest = manifest.get("config", {}).get("digest")
        if not digest:
            return ()
        try:
            answer = self._client.get_download_url_for_layer(**where, layerDigest=digest)
            found = json.loads(self._fetch(answer["downloadUrl"])).get("architecture")
        except (ClientError, OSError, ValueError, AttributeError):
            return ()  # the image exists; its platform stays unknown
        return (str(found),) if found else ()


def _download(url: str) -> bytes:
    """Download the configuration of an image."""
    if not url.startswith("https://"):
        raise ValueError(url)
    with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - only https, from ECR's answer
        return bytes(answer.read(_CONFIG_BYTES))
