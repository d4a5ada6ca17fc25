"""How the emulated S3 evaluates bucket policies."""

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


def evaluate(on: Any) -> PermissionResult:
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
def test_denials_about_tls_or_encryption_do_not_apply(
    condition: dict[str, Any],
) -> None:
    """The emulated API has no TLS and does not encrypt; it stands for one that does."""
    on = bucket(denial(Condition=condition))

    assert evaluate(on) == PermissionResult.NEUTRAL


def test_other_denials_apply() -> None:
    """A mistake in a bucket policy shows on a laptop."""
    assert evaluate(bucket(denial())) == PermissionResult.DENIED
    assert evaluate(bucket(denial(Action="s3:PutObject"))) == PermissionResult.DENIED
    elsewhere = {"Bool": {"aws:SecureTransport": "false"}, "Null": {"aws:PrincipalArn": "false"}}
    assert evaluate(bucket(denial(Condition=elsewhere))) == PermissionResult.DENIED


def test_without_a_bucket_policy_the_result_is_neutral() -> None:
    """The permissions of the caller decide."""
    assert evaluate(SimpleNamespace(policy=None)) == PermissionResult.NEUTRAL
