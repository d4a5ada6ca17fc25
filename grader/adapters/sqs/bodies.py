"""
Keeps the bodies that are too large for SQS in the bucket, as AWS's extended client libraries do.

A message then carries a pointer to the object. The objects are not deleted with the message: the
lifecycle of the bucket deletes them with the submissions and results.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from grader.contract.bucket import ObjectUrl
from grader.errors import HiddenObjectError, ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.ports.stores import ObjectStore

#: Size of the body; a message with this attribute carries a pointer.
SIZE_ATTRIBUTE = "ExtendedPayloadSize"
#: The same, by older versions of the libraries.
_OLD_SIZE_ATTRIBUTE = "SQSLargePayloadSize"
SIZE_ATTRIBUTES = (SIZE_ATTRIBUTE, _OLD_SIZE_ATTRIBUTE)
_CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"
_CLASSES = (_CLASS, "com.amazon.sqs.javamessaging.MessageS3Pointer")
#: Largest body that is read.
_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class BodyStore:
    """
    Large bodies in the bucket of the environment.

    Args:
        objects: The bucket.
        bucket: Its name; pointers to other buckets are not followed.
        prefix: Prefix of the objects that are written, such as ``results/messages/``.
    """

    objects: ObjectStore
    bucket: str
    prefix: str

    def put(self, body: bytes) -> bytes:
        """
        Store a body, and return the pointer to it.

        Raises:
            TemporaryError: The bucket cannot be reached.
            AccessError: The right to write is missing.
        """
        key = f"{self.prefix}{uuid.uuid4()}"
        self.objects.put(key, body, content_type="application/octet-stream")
        return pointer(self.bucket, key)

    def get(self, text: bytes) -> bytes | None:
        """
        Read the body that a pointer names.

        Returns:
            None if the text is not a pointer, or names another bucket, or an object that does not
            exist, may not be read, or has more than 16 MiB.

        Raises:
            TemporaryError: The bucket cannot be reached.
        """
        found = read_pointer(text)
        if found is None:
            return None
        try:
            url = ObjectUrl.parse("s3://{}/{}".format(*found), bucket=self.bucket)
            return self.objects.get(url.key, max_bytes=_MOST_BYTES)
        except (HiddenObjectError, ObjectNotFoundError, ObjectTooLargeError, RequestError):
            return None


def pointer(bucket: str, key: str) -> bytes:
    """Return the body of a message whose real body is an object."""
    return json.dumps([_CLASS, {"s3BucketName": bucket, "s3Key": key}]).encode()


def read_pointer(text: bytes) -> tuple[str, str] | None:
    """Return bucket and key of a pointer; None if it is not one."""
    try:
        name, fields = json.loads(text)
        bucket, key = fields["s3BucketName"], fields["s3Key"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if name not in _CLASSES or not isinstance(bucket, str) or not isinstance(key, str):
        return None
    return bucket, key
