"""
Puts a real registry behind moto's ECR.

moto has no `/v2/` API: its login names an address of AWS, and an image that a builder pushed would
not be known. With this patch the login is that of the registry, and a call that reads images first
takes over what the registry has.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse

from gradectl.local.engines.registry import RegistryAccess

_VALID = timedelta(hours=12)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SECONDS = 10
_READS = ("batch_get_image", "describe_images", "list_images")


def patch_ecr(access: RegistryAccess) -> None:
    """Serve the images of a registry."""
    registry = _Registry(access)

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


def _take_over_before(name: str, registry: _Registry) -> None:
    """Wrap a call of the backend; the first wrapper of this process is replaced by the next."""
    current = getattr(ECRBackend, name)
    original = getattr(current, "unpatched", current)

    def wrapped(backend: ECRBackend, repository_name: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - moto's types pass through
        if repository_name in backend.repositories:
            _take_over(backend, repository_name, registry)
        return original(backend, repository_name, *rest, **more)

    wrapped.unpatched = original  # type: ignore[attr-defined]  # read above
    setattr(ECRBackend, name, wrapped)


def _take_over(backend: ECRBackend, repository: str, registry: _Registry) -> None:
    """Record the tags of the registry that moto does not have."""
    known = {tag for image in backend.repositories[repository].images for tag in image.image_tags}
    for tag in registry.tags(repository):
        if tag not in known:
            manifest = registry.manifest(repository, tag)
            digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
            kind = json.loads(manifest).get("mediaType") or _MANIFESTS[0]
            backend.put_image(repository, manifest, tag, kind, digest)


class _Registry:
    """Reads the API of a registry."""

    def __init__(self, access: RegistryAccess) -> None:
        self._access = access
        login = f"{access.user}:{access.password}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none when nothing was pushed."""
        text = self._get(f"/v2/{repository}/tags/list")
        return list(json.loads(text or "{}").get("tags") or ())

    def manifest(self, repository: str, tag: str) -> str:
        """The manifest of a tag, byte by byte."""
        return self._get(f"/v2/{repository}/manifests/{tag}")

    def _get(self, path: str) -> str:
        context = ssl.create_default_context(cafile=self._access.ca_file)
        host, _, port = self._access.host.partition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=_SECONDS, context=context)
        try:
            headers = {**self._headers, "Accept": ", ".join(_MANIFESTS)}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
            return body if answer.status == http.client.OK else ""
        finally:
            connection.close()
