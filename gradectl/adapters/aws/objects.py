"""Small objects of one bucket that must not be overwritten, such as locks."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated

_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_ABSENT = ("NoSuchKey", "404")


class ExclusiveObjects:
    """
    Objects that are created only where none exists.

    Args:
        client: A boto3 client of `s3`.
        bucket: The bucket.
    """

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client
        self._bucket = bucket

    def create(self, key: str, body: bytes) -> bool:
        """Write an object unless it exists; returns whether it was written."""
        with translated(self._where(key)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) in _EXISTS:
                    return False
                raise
        return True

    def read(self, key: str) -> bytes | None:
        """Read an object; None when it does not exist."""
        with translated(self._where(key)):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
            return bytes(answer["Body"].read())

    def remove(self, key: str) -> None:
        """Delete an object, if it exists."""
        with translated(self._where(key)):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
