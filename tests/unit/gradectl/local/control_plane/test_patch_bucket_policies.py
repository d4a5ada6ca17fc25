"""What the emulated S3 makes of bucket policies."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from moto.iam.access_control import PermissionResult

from gradectl.local.control_plane.patch_bucket_policies import permission


def bucket(*statements: dict[str, Any]) -> Any:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return SimpleNamespace(policy=json.dumps(document).encode())


def denial(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", **more}


def judged(on: Any) -> PermissionResult:
    return permission(on, "s3:PutObject", "arn:aws:s3:::files/a")


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {
            "Null": {"s3:x-amz-server-side-encryption": "false"},
            "StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"},
        },
    ],
    ids=["TLS", "TLS 1.2", "the bucket's encryption"],
)
def test_a_policy_that_wants_tls_or_encryption_does_not_shut_the_emulated_bucket(
    condition: dict[str, Any],
) -> None:
    """The emulated API stands for one with TLS, and encrypts nothing."""
    on = bucket(denial(Condition=condition))

    assert judged(on) == PermissionResult.NEUTRAL


def test_every_other_denial_stays_one() -> None:
    """A mistake in a bucket policy shows on a laptop."""
    assert judged(bucket(denial())) == PermissionResult.DENIED
    assert judged(bucket(denial(Action="s3:PutObject"))) == PermissionResult.DENIED
    elsewhere = {"Bool": {"aws:SecureTransport": "false"}, "Null": {"aws:PrincipalArn": "false"}}
    assert judged(bucket(denial(Condition=elsewhere))) == PermissionResult.DENIED


def test_a_bucket_without_a_policy_says_neither_yes_nor_no() -> None:
    """Then the caller's own permissions count."""
    assert judged(SimpleNamespace(policy=None)) == PermissionResult.NEUTRAL
