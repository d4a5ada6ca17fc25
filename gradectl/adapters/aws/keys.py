"""KMS: the policy of a key."""

from __future__ import annotations

import json
from typing import Any

from gradectl.adapters.aws.errors import translated


class Keys:
    """
    KMS; every call is a read.

    Args:
        client: A boto3 client of `kms`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def policy(self, key_arn: str) -> dict[str, Any]:
        """Read the policy of a key of this account."""
        with translated(f"key {key_arn}"):
            found = self._client.get_key_policy(KeyId=key_arn, PolicyName="default")
        policy: dict[str, Any] = json.loads(found["Policy"])
        return policy
