"""
Evaluates bucket policies without the Deny statements about TLS and encryption.

moto 5.2 ignores the conditions of a Deny, so a policy that denies requests without TLS, or with
another encryption, denies every request.  The emulated API has no TLS on loopback and does not
encrypt, but it stands for an API that does both: such statements never apply.  moto evaluates all
other statements.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

#: Prefixes of the condition keys for the connection and for the requested encryption.
_IGNORED_KEYS = ("aws:securetransport", "s3:tlsversion", "s3:x-amz-server-side-encryption")


def permission(bucket: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's type
    """Evaluate the policy of a bucket for one call; replaces `FakeBucket.get_permission`."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = [each for each in policy["Statement"] if not _is_ignored(each)]
    kept = json.dumps({**policy, "Statement": statements})
    return IAMPolicy(kept).is_action_permitted(action, resource)


def _is_ignored(statement: dict[str, Any]) -> bool:
    """Return True for a Deny whose conditions are about TLS or encryption only."""
    if statement["Effect"] != "Deny":
        return False
    keys = [key.lower() for test in statement.get("Condition", {}).values() for key in test]
    return bool(keys) and all(key.startswith(_IGNORED_KEYS) for key in keys)


def patch_bucket_policies() -> None:
    """Install this evaluation in this process."""
    FakeBucket.get_permission = permission  # type: ignore[assignment,method-assign]  # moto leaves no other way
