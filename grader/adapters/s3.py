"""An object store on one S3 bucket."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from grader.adapters.s3_put import DirectPuts
from grader.errors import (
    AccessError,
    GraderError,
    HiddenObjectError,
    ObjectNotFoundError,
    ObjectTooLargeError,
    SettingsError,
    TemporaryError,
)
from grader.ports.stores import ObjectInfo, UploadTarget

_CHUNK_BYTES = 1 << 20
_DELETE_LIMIT = 1000  # keys in one call
_CONFIG = Config(
    signature_version="s3v4",  # in some regions URLs would be signed without their headers
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,  # more than the threads that write at the same time
)
#: No object has a key of more than 1,024 bytes, which S3 refuses with an error of its own.
_ABSENT = {"KeyTooLongError", "NoSuchKey", "404", "NoSuchVersion"}
_EXISTS = {"PreconditionFailed", "412"}
_DENIED = {"AccessDenied", "403"}
_REFUSED = {"ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


def open_object_store(bucket: str, region: str) -> S3ObjectStore:
    """Open a bucket with credentials and endpoint from the process environment."""
    session = Session()
    client = boto3.Session(botocore_session=session).client(
        "s3", region_name=region, config=_CONFIG
    )
    credentials, verify = session.get_credentials(), session.get_config_variable("ca_bundle")
    try:
        direct = DirectPuts(client, bucket, credentials, verify) if credentials else None
    except BotoCoreError:  # such as an invalid name of the bucket; each call will say why
        direct = None
    return S3ObjectStore(client, bucket, direct)


class _ExistsError(TemporaryError):
    """The object exists, or has another ETag than it must have."""


class S3ObjectStore:
    """
    `grader.ports.stores.SubmissionStore` over boto3.

    In addition to the port's errors, each method raises `AccessError` when the credentials do not
    allow the call, and `SettingsError` when the bucket does not exist.

    Args:
        client: A boto3 S3 client; thread-safe.
        bucket: Name of the bucket.
        direct: Writes small objects faster; what it cannot write goes through the client.
    """

    def __init__(self, client: Any, bucket: str, direct: DirectPuts | None = None) -> None:  # noqa: ANN401 - boto3 creates its client classes at run time
        self._client = client
        self._bucket = bucket
        self._direct = direct

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        return b"".join(self._chunks(key, max_bytes))

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Stream an object into a new file; raises as the port."""
        with target.open("xb") as file:
            for chunk in self._chunks(key, max_bytes, etag):
                file.write(chunk)

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write a whole object."""
        if self._direct is not None and self._direct.put(key, body, content_type):
            return
        with self._translated(key):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type
            )

    def put_new(self, key: str, body: bytes, *, content_type: str) -> bool:
        """Write a whole object unless the key exists; returns whether it was written."""
        direct = None if self._direct is None else self._direct.put_new(key, body, content_type)
        if direct is not None:
            return direct
        try:
            with self._translated(key):
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    IfNoneMatch="*",
                )
        except _ExistsError:
            return False
        return True

    def upload_target(self, key: str, *, content_type: str, seconds: int) -> UploadTarget:
        """Sign a URL for a PUT that S3 refuses if the object exists; makes no call."""
        values = {
            "Bucket": self._bucket,
            "Key": key,
            "ContentType": content_type,
            "IfNoneMatch": "*",
        }
        with self._translated(key):
            url = self._client.generate_presigned_url("put_object", values, ExpiresIn=seconds)
        return UploadTarget(url, {"Content-Type": content_type, "If-None-Match": "*"})

    def folders(self, prefix: str) -> Iterable[str]:
        """List the names that follow a prefix, each up to the next slash, in order."""
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
                for item in page.get("CommonPrefixes", []):
                    yield item["Prefix"].removeprefix(prefix).removesuffix("/")

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Upload a file in one part."""
        with source.open("rb") as body, self._translated(key):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type
            )

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """List the objects with this prefix, in key order."""
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    etag = item["ETag"].strip('"')
                    yield ObjectInfo(item["Key"], item["Size"], etag, item["LastModified"])

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are ignored."""
        for start in range(0, len(keys), _DELETE_LIMIT):
            some = keys[start : start + _DELETE_LIMIT]
            with self._translated(some[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in some]}
                )
            for error in answer.get("Errors", []):
                raise self._error(error.get("Code", ""), error.get("Key", ""), str(error))

    def _chunks(self, key: str, max_bytes: int, etag: str = "") -> Iterator[bytes]:
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        with self._translated(key, denied=HiddenObjectError):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **condition)
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > max_bytes:
                    raise ObjectTooLargeError(
                        f"{answer['ContentLength']} bytes, at most {max_bytes} are allowed",
                        where=f"s3://{self._bucket}/{key}",
                    )
                yield from body.iter_chunks(_CHUNK_BYTES)

    @contextmanager
    def _translated(self, key: str, denied: type[AccessError] = AccessError) -> Generator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise self._error(code, key, str(error), denied) from error
        except BotoCoreError as error:
            raise TemporaryError(str(error), where=f"s3://{self._bucket}/{key}") from error

    def _error(
        self, code: str, key: str, what: str, denied: type[AccessError] = AccessError
    ) -> GraderError:
        where = f"s3://{self._bucket}/{key}"
        if code in _ABSENT:
            return ObjectNotFoundError("object not found", where=where)
        if code in _DENIED:
            return denied(what, where=where, next_step="check the role's policy")
        if code in _REFUSED:
            return AccessError(what, where=where, next_step="check the role's policy")
        if code in _EXISTS:
            return _ExistsError(what, where=where)
        if code == "NoSuchBucket":
            return SettingsError(what, where=where, next_step="check GRADING_BUCKET")
        return TemporaryError(what, where=where)
