"""Reads a registry of images over its API."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradectl.errors import GradectlError, UnreachableError
from gradectl.local.engines.registry import RegistryAccess

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SECONDS = 30
_CHUNK_BYTES = 1 << 20


class RegistryClient:
    """
    Reads manifests and layers.

    Args:
        access: Address and login of the registry.
    """

    def __init__(self, access: RegistryAccess) -> None:
        self.host = access.host
        self._ca_file = access.ca_file
        login = f"{access.user}:{access.password}".encode()
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(login).decode()}",
            "Accept": ", ".join(MANIFESTS),
        }

    def tags(self, repository: str) -> list[str]:
        """
        List the tags of a repository; none when nothing was pushed.

        Raises:
            UnreachableError: The registry does not answer.
        """
        return list(json.loads(self._read(f"{repository}/tags/list") or "{}").get("tags") or ())

    def manifest(self, repository: str, reference: str) -> str:
        """
        Read the manifest of a tag or digest, byte by byte; empty when it does not exist.

        Raises:
            UnreachableError: The registry does not answer.
        """
        return self._read(f"{repository}/manifests/{reference}").decode()

    def blob(self, repository: str, digest: str) -> bytes:
        """
        Read a small blob, such as the configuration of an image.

        Raises:
            GradectlError: It does not exist, or its content does not have this digest.
            UnreachableError: The registry does not answer.
        """
        content = self._read(f"{repository}/blobs/{digest}")
        _check(repository, digest, hashlib.sha256(content).hexdigest())
        return content

    def download(self, repository: str, digest: str, path: Path) -> None:
        """
        Download a layer into a file.

        Raises:
            GradectlError: It does not exist, or its content does not have this digest.
            UnreachableError: The registry does not answer.
        """
        found = hashlib.sha256()
        with self._answer(f"{repository}/blobs/{digest}") as answer, path.open("wb") as file:
            while chunk := answer.read(_CHUNK_BYTES):
                found.update(chunk)
                file.write(chunk)
        _check(repository, digest, found.hexdigest())

    def _read(self, path: str) -> bytes:
        with self._answer(path) as answer:
            body = answer.read()
            return body if answer.status == http.client.OK else b""

    @contextmanager
    def _answer(self, path: str) -> Iterator[http.client.HTTPResponse]:
        context = ssl.create_default_context(cafile=self._ca_file)
        host, _, port = self.host.partition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=_SECONDS, context=context)
        try:
            connection.request("GET", f"/v2/{path}", headers=self._headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            text = f"the registry of images does not answer: {error}"
            raise UnreachableError(text, where=self.host, next_step="run it again") from error
        finally:
            connection.close()


def _check(repository: str, digest: str, found: str) -> None:
    """Check the digest of downloaded content."""
    if digest != f"sha256:{found}":
        text = "the registry does not have the content of this digest"
        hint = "push the image again: gradectl image push"
        raise GradectlError(text, where=f"{repository}@{digest}", next_step=hint)
