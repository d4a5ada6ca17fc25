"""
Attaches documents to a pushed image, as OCI artifacts whose `subject` is the image.

A registry lists them by its referrers API. For one without that API, the tag `sha256-DIGEST` names
an index of them, as the distribution specification defines.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gradectl.adapters.images.builder import PushTarget
from gradectl.errors import GradectlError, UnreachableError

CYCLONEDX = "application/vnd.cyclonedx+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_BINARY = "application/octet-stream"
_SECONDS = 60
_HINT = "check the rights on the repository, and run it again"


@dataclass(frozen=True)
class _Answer:
    """An answer of a registry; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Attachments:
    """
    The documents that are attached to the images of a repository.

    Args:
        target: The repository and its login; the tag is not used.
    """

    def __init__(self, target: PushTarget) -> None:
        self._target = target
        login = f"{target.user}:{target.password}".encode()
        self._login = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}

    def attach(self, digest: str, content: bytes, kind: str = CYCLONEDX) -> str:
        """
        Attach a document to an image.

        Args:
            digest: Digest of the manifest of the image.
            content: The document.
            kind: Its media type.

        Returns:
            The digest of the artifact.

        Raises:
            GradectlError: The registry refused it.
            UnreachableError: The registry does not answer.
        """
        image = self._call("GET", f"manifests/{digest}", accept=f"{_MANIFEST}, {_DOCKER_MANIFEST}")
        _check(image, "cannot read the image", digest)
        artifact = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": kind,
            "config": self._blob(b"{}", _EMPTY),
            "layers": [self._blob(content, kind)],
            "subject": {
                "mediaType": image.headers["content-type"],
                "digest": digest,
                "size": len(image.body),
            },
        }
        text = json.dumps(artifact).encode()
        found = _digest(text)
        answer = self._call("PUT", f"manifests/{found}", text, kind=_MANIFEST)
        _check(answer, "cannot attach the document", digest)
        if "oci-subject" not in answer.headers:  # the registry lacks the referrers API
            entry = {"mediaType": _MANIFEST, "digest": found, "size": len(text)}
            self._add_to_index(digest, {**entry, "artifactType": kind})
        return found

    def find(self, digest: str, kind: str = CYCLONEDX) -> str:
        """
        Find a document of an image.

        Returns:
            The digest of its artifact; empty when none is attached.

        Raises:
            GradectlError: The registry refused the call.
            UnreachableError: The registry does not answer.
        """
        answer = self._call("GET", f"referrers/{digest}", accept=_INDEX)
        entries = self._index(digest)
        if answer.status == http.client.OK:
            entries = list(json.loads(answer.body).get("manifests") or ())
        return next((str(each["digest"]) for each in entries if each["artifactType"] == kind), "")

    def _add_to_index(self, digest: str, entry: Mapping[str, Any]) -> None:
        manifests = [*self._index(digest), entry]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests}
        path = f"manifests/{index_tag(digest)}"
        answer = self._call("PUT", path, json.dumps(index).encode(), kind=_INDEX)
        _check(answer, "cannot attach the document", digest)

    def _index(self, digest: str) -> list[dict[str, Any]]:
        """The entries of the index that the tag names; none without the tag."""
        answer = self._call("GET", f"manifests/{index_tag(digest)}", accept=_INDEX)
        if answer.status == http.client.NOT_FOUND:
            return []
        _check(answer, "cannot read the documents of the image", digest)
        return list(json.loads(answer.body).get("manifests") or ())

    def _blob(self, content: bytes, kind: str) -> dict[str, Any]:
        """Upload a blob, and return its descriptor."""
        digest = _digest(content)
        if self._call("HEAD", f"blobs/{digest}").status != http.client.OK:
            start = self._call("POST", "blobs/uploads/", kind=_BINARY)
            _check(start, "cannot upload the document", digest)
            sent = self._call("PATCH", start.headers["location"], content, kind=_BINARY)
            _check(sent, "cannot upload the document", digest)
            place = sent.headers["location"]
            last = f"{place}{'&' if '?' in place else '?'}digest={digest}"
            _check(self._call("PUT", last, kind=_BINARY), "cannot upload the document", digest)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _call(
        self, method: str, path: str, body: bytes = b"", *, kind: str = "", accept: str = ""
    ) -> _Answer:
        """Call the registry; a path with a host, from a header, must be of the same registry."""
        target = self._target
        address = urlsplit(path)
        if "://" not in path and not path.startswith("/"):
            address = urlsplit(f"/v2/{target.repository}/{path}")
        if address.netloc not in ("", target.host):
            text = f"the registry named another host: {address.netloc}"
            raise GradectlError(text, where=target.host, next_step=_HINT)
        context = ssl.create_default_context(cafile=target.ca_file)
        connection = http.client.HTTPSConnection(target.host, timeout=_SECONDS, context=context)
        headers = self._login | ({"Content-Type": kind} if kind else {})
        headers |= {"Accept": accept} if accept else {}
        url = f"{address.path}?{address.query}" if address.query else address.path
        try:
            connection.request(method, url, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return _Answer(answer.status, found, answer.read())
        except (OSError, http.client.HTTPException) as error:
            text = f"the registry does not answer: {error}"
            raise UnreachableError(text, where=target.host, next_step=_HINT) from error
        finally:
            connection.close()


def index_tag(digest: str) -> str:
    """The tag of the index of documents, for a registry without the referrers API."""
    return digest.replace(":", "-")


def _check(answer: _Answer, what: str, where: str) -> None:
    if answer.status >= http.client.MULTIPLE_CHOICES:
        reason = answer.body.decode(errors="replace")[:300]
        raise GradectlError(f"{what}: {answer.status} {reason}", where=where, next_step=_HINT)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
