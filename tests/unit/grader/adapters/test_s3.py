"""What S3 answers becomes an error of ours."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from grader.adapters.s3 import S3ObjectStore
from grader.errors import AccessError, HiddenObjectError, ObjectNotFoundError


def test_a_refused_read_may_mean_that_the_object_does_not_exist() -> None:
    """A refused write or login may not."""
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    store = S3ObjectStore(client, "bucket")
    with Stubber(client) as answers:
        answers.add_client_error("get_object", "AccessDenied", http_status_code=403)
        answers.add_client_error("get_object", "ExpiredToken", http_status_code=400)
        answers.add_client_error("put_object", "AccessDenied", http_status_code=403)

        with pytest.raises(HiddenObjectError):
            store.get("key", max_bytes=1)
        for call in (
            lambda: store.get("key", max_bytes=1),
            lambda: store.put("key", b"", content_type="text/plain"),
        ):
            with pytest.raises(AccessError) as caught:
                call()
            assert not isinstance(caught.value, HiddenObjectError)


def test_a_key_that_is_too_long_names_no_object() -> None:
    """It comes from a message, so it must not be tried again like a failure of S3."""
    client = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as answers:
        answers.add_client_error("get_object", "KeyTooLongError", http_status_code=400)

        with pytest.raises(ObjectNotFoundError):
            S3ObjectStore(client, "bucket").get("k" * 1025, max_bytes=1)
