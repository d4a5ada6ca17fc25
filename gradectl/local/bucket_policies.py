"""
Bucket policies that refuse calls without TLS, as the emulated API has to read them.

moto 5.2 takes the condition of a Deny for fulfilled, so a policy that denies what does not come by
TLS denies everything.  Our API has no TLS on loopback and stands for one that has: such statements
never apply to it.  All other statements are moto's to judge.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def permission(bucket: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's type
    """Judge one call on a bucket by its policy."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = [each for each in policy["Statement"] if not _wants_tls(each)]
    kept = json.dumps({**policy, "Statement": statements})
    return IAMPolicy(kept).is_action_permitted(action, resource)


def _wants_tls(statement: dict[str, Any]) -> bool:
    """Tell whether a statement only says that calls without TLS are denied."""
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    return statement["Effect"] == "Deny" and statement.get("Condition") == without_tls


def respect_tls_policies() -> None:
    """Let this judgement stand in for moto's in this process."""
    FakeBucket.get_permission = permission  # type: ignore[assignment,method-assign]  # moto leaves no other way
