"""What the policy of an S3 endpoint does not allow, as far as it can be read from the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

_READ = "s3:GetObject"


def refused_by(policy: str, region: str, own_bucket: str) -> list[str]:
    """
    List the reads that a worker needs and the policy does not allow.

    A condition other than on the account of the bucket counts as met, and a document with
    NotAction or NotResource as allowing: only AWS can decide them.

    Args:
        policy: The document; "" allows everything.
        region: Region of ECR, for the name of its bucket of layers.
        own_bucket: The bucket of submissions; "" for none.
    """
    try:
        document = json.loads(policy) if policy else {}
    except ValueError:
        return []
    statements = document.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    if not statements or any({"NotAction", "NotResource"} & one.keys() for one in statements):
        return []
    layers = f"arn:aws:s3:::prod-{region}-starport-layer-bucket/layer"
    wanted = {"reading image layers of ECR": (layers, False)}
    if own_bucket:
        wanted[f"reading {own_bucket}"] = (f"arn:aws:s3:::{own_bucket}/submissions/x", True)
    return [
        what
        for what, (resource, ours) in wanted.items()
        if not _allowed(statements, resource, ours=ours)
    ]


def _allowed(statements: list[Mapping[str, Any]], resource: str, *, ours: bool) -> bool:
    """Whether some statement allows reading the object, and none denies it."""
    matching = [one for one in statements if _matches(one, resource)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in matching)
    allowed = any(
        one.get("Effect") == "Allow" and (ours or not _needs_our_account(one)) for one in matching
    )
    return allowed and not denied


def _matches(statement: Mapping[str, Any], resource: str) -> bool:
    """Whether a statement is about reading the object."""
    actions = _texts(statement.get("Action", []))
    resources = _texts(statement.get("Resource", "*"))
    return any(fnmatchcase(_READ.lower(), one.lower()) for one in actions) and any(
        fnmatchcase(resource, one) for one in resources
    )


def _needs_our_account(statement: Mapping[str, Any]) -> bool:
    """Whether a statement is limited to buckets of one account."""
    return "aws:resourceaccount" in json.dumps(statement.get("Condition", {})).lower()


def _texts(value: str | list[str]) -> list[str]:
    """A value that may be one text or a list."""
    return [value] if isinstance(value, str) else value
