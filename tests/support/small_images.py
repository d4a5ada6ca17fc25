"""Makes small images by hand, and pushes them to a registry without a builder."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import ssl
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: A file of a layer: content and mode; a folder has no content.
Files = Mapping[str, tuple[bytes | None, int]]


def layer(files: Files) -> bytes:
    """A compressed layer with files of root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(content or b"")
            archive.addfile(entry, io.BytesIO(content or b""))
    return gzip.compress(buffer.getvalue(), mtime=0)


def push(
    ecr: Any, ca_file: Path, repository: str, layers: Sequence[bytes], config: Mapping[str, Any]
) -> str:
    """Push an image with the login of ECR; returns its name by digest."""
    login = ecr.get_authorization_token()["authorizationData"][0]
    host = login["proxyEndpoint"].removeprefix("https://")
    connection = http.client.HTTPSConnection(
        host, context=ssl.create_default_context(cafile=ca_file)
    )
    headers = {"Authorization": f"Basic {login['authorizationToken']}"}

    def send(method: str, path: str, body: bytes, kind: str) -> str:
        connection.request(method, path, body, {**headers, "Content-Type": kind})
        answer = connection.getresponse()
        assert answer.status < 300, answer.read()
        answer.read()
        return answer.headers.get("Location", "")

    def blob(content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = send("POST", f"/v2/{repository}/blobs/uploads/", b"", "")
        send("PUT", f"{place}&digest={digest}", content, "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    oci = "application/vnd.oci.image"
    document = {"architecture": "amd64", "os": "linux", "config": config}
    document["rootfs"] = {"type": "layers", "diff_ids": []}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": blob(json.dumps(document).encode(), f"{oci}.config.v1+json"),
        "layers": [blob(each, f"{oci}.layer.v1.tar+gzip") for each in layers],
    }
    content = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    send("PUT", f"/v2/{repository}/manifests/test-{digest[-8:]}", content, manifest["mediaType"])
    connection.close()
    uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
    return f"{uri['repositoryUri']}@{digest}"
