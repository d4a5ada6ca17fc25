"""
Puts a real registry behind moto's ECR.

moto has no `/v2/` API: its login names an address of AWS, and an image that a builder pushed would
not be known. With this patch the login is that of the registry, and a call that reads images first
takes over what the registry has.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse

from gradectl.errors import UnreachableError
from gradectl.local.engines.registry import RegistryAccess
from gradectl.local.engines.registry_client import MANIFESTS, RegistryClient

_VALID = timedelta(hours=12)
#: Tag of the list of documents that are attached to an image, which is not an image.
_DOCUMENTS = re.compile(r"sha256-[0-9a-f]{64}")
_READS = ("batch_get_image", "describe_images", "list_images")


def patch_ecr(access: RegistryAccess) -> None:
    """Serve the images of a registry."""
    registry = RegistryClient(access)

    def get_authorization_token(_response: ECRResponse) -> ActionResult:
        token = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
        login = {
            "authorizationToken": token,
            "expiresAt": datetime.now(UTC) + _VALID,
            "proxyEndpoint": f"https://{access.host}",
        }
        return ActionResult({"authorizationData": [login]})

    setattr(ECRResponse, "get_authorization_token", get_authorization_token)  # noqa: B010 - mypy refuses an assignment
    for name in _READS:
        _take_over_before(name, registry)


def _take_over_before(name: str, registry: RegistryClient) -> None:
    """Wrap a call of the backend; the first wrapper of this process is replaced by the next."""
    current = getattr(ECRBackend, name)
    original = getattr(current, "unpatched", current)

    def wrapped(backend: ECRBackend, repository_name: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - moto's types pass through
        if repository_name in backend.repositories:
            _take_over(backend, repository_name, registry)
        return original(backend, repository_name, *rest, **more)

    wrapped.unpatched = original  # type: ignore[attr-defined]  # read above
    setattr(ECRBackend, name, wrapped)


def _take_over(backend: ECRBackend, repository: str, registry: RegistryClient) -> None:
    """Record the tags of the registry that moto does not have; none before the registry runs."""
    known = {tag for image in backend.repositories[repository].images for tag in image.image_tags}
    try:
        tags = registry.tags(repository)
    except UnreachableError:
        return
    for tag in tags:
        if tag not in known and not _DOCUMENTS.fullmatch(tag):
            manifest = registry.manifest(repository, tag)
            digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
            kind = json.loads(manifest).get("mediaType") or MANIFESTS[0]
            backend.put_image(repository, manifest, tag, kind, digest)
