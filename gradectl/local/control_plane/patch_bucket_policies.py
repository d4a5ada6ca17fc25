"""
Bucket policies that refuse calls under conditions, as the emulated API has to read them.

moto 5.2 takes the condition of a Deny for fulfilled, so a policy that denies what does not come by
TLS, or what asks for another encryption, denies everything.  Our API has no TLS on loopback and
stands for one that has, and it does not encrypt: such statements never apply to it.  All other
statements are moto's to judge.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

#: What a request says of its connection and of the encryption it wants.
_NEVER_SAID = ("aws:securetransport", "s3:tlsversion", "s3:x-amz-server-side-encryption")


def permission(bucket: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's type
    """Judge one call on a bucket by its policy."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = [each for each in policy["Statement"] if not _is_about_what_we_lack(each)]
    kept = json.dumps({**policy, "Statement": statements})
    return IAMPolicy(kept).is_action_permitted(action, resource)


def _is_about_what_we_lack(statement: dict[str, Any]) -> bool:
    """Tell whether a statement only denies calls without good TLS or with another encryption."""
    if statement["Effect"] != "Deny":
        return False
    keys = [key.lower() for test in statement.get("Condition", {}).values() for key in test]
    return bool(keys) and all(key.startswith(_NEVER_SAID) for key in keys)


def respect_tls_policies() -> None:
    """Let this judgement stand in for moto's in this process."""
    FakeBucket.get_permission = permission  # type: ignore[assignment,method-assign]  # moto leaves no other way
