"""Settings of S3 buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated

_CHUNK = 1 << 20


@dataclass(frozen=True)
class BucketProtection:
    """Versioning and encryption of a bucket."""

    versioned: bool
    encrypted: bool


class Buckets:
    """
    Settings of S3 buckets.

    Args:
        client: A boto3 client of `s3`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def exists(self, bucket: str) -> bool:
        """Whether the bucket exists and is accessible."""
        with translated(f"s3://{bucket}"):
            try:
                self._client.head_bucket(Bucket=bucket)
            except ClientError as error:
                if code_of(error) in ("404", "NoSuchBucket"):
                    return False
                raise
        return True

    def empty(self, bucket: str) -> bool:
        """Whether the bucket has no object and no old version of one."""
        with translated(f"s3://{bucket}"):
            answer = self._client.list_object_versions(Bucket=bucket, MaxKeys=1)
        return not (answer.get("Versions") or answer.get("DeleteMarkers"))

    def objects(self, bucket: str) -> Iterator[tuple[str, int]]:
        """Key and size of the current version of each object."""
        with translated(f"s3://{bucket}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for one in page.get("Contents", ()):
                    yield str(one["Key"]), int(one["Size"])

    def old_versions(self, bucket: str) -> int:
        """Number of the versions that are not current, also of deleted files."""
        with translated(f"s3://{bucket}"):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket)
            versions = (each for page in pages for each in page.get("Versions", ()))
            return sum(not each["IsLatest"] for each in versions)

    def download(self, bucket: str, key: str, file: IO[bytes]) -> None:
        """Write the content of an object to a file."""
        with translated(f"s3://{bucket}/{key}"):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(_CHUNK):
                file.write(chunk)

    def protection(self, bucket: str) -> BucketProtection:
        """Read versioning and encryption of a bucket."""
        with translated(f"s3://{bucket}"):
            versioning = self._client.get_bucket_versioning(Bucket=bucket)
            try:
                self._client.get_bucket_encryption(Bucket=bucket)
                encrypted = True
            except ClientError as error:
                if code_of(error) != "ServerSideEncryptionConfigurationNotFoundError":
                    raise
                encrypted = False
        return BucketProtection(versioning.get("Status") == "Enabled", encrypted)

    def enable_versioning(self, bucket: str) -> None:
        """Turn versioning on."""
        with translated(f"s3://{bucket}"):
            self._client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
