"""What the policy of an endpoint does not allow, as far as it can be read from the document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Call:
    """
    A call of the workers through an endpoint.

    Attributes:
        what: The call in words.
        action: Its IAM action.
        resource: ARN of what it uses.
        ours: Whether that belongs to the account of the environment.
    """

    what: str
    action: str
    resource: str
    ours: bool = True


def s3_calls(region: str, own_bucket: str) -> list[Call]:
    """
    List the reads of a worker in S3.

    Args:
        region: Region of ECR, for the name of its bucket of layers.
        own_bucket: The bucket of submissions; "" for none.
    """
    layers = f"arn:aws:s3:::prod-{region}-starport-layer-bucket/layer"
    calls = [Call("reading image layers of ECR", "s3:GetObject", layers, ours=False)]
    if own_bucket:
        submission = f"arn:aws:s3:::{own_bucket}/submissions/x"
        calls.append(Call(f"reading {own_bucket}", "s3:GetObject", submission))
    return calls


def refused_by(policy: str, calls: Sequence[Call]) -> list[str]:
    """
    List the calls, in words, that the policy does not allow.

    A condition other than on the account of the resource counts as met, and a document with
    NotAction or NotResource as allowing: only AWS can decide them.

    Args:
        policy: The document; "" allows everything.
        calls: The calls of a worker.
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
    return [call.what for call in calls if not _allowed(statements, call)]


def _allowed(statements: list[Mapping[str, Any]], call: Call) -> bool:
    """Whether some statement allows a call, and none denies it."""
    matching = [one for one in statements if _matches(one, call)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in matching)
    allowed = any(
        one.get("Effect") == "Allow" and (call.ours or not _needs_our_account(one))
        for one in matching
    )
    return allowed and not denied


def _matches(statement: Mapping[str, Any], call: Call) -> bool:
    """Whether a statement is about a call."""
    actions = _texts(statement.get("Action", []))
    resources = _texts(statement.get("Resource", "*"))
    return any(fnmatchcase(call.action.lower(), one.lower()) for one in actions) and any(
        fnmatchcase(call.resource, one) for one in resources
    )


def _needs_our_account(statement: Mapping[str, Any]) -> bool:
    """Whether a statement is limited to resources of one account."""
    return "aws:resourceaccount" in json.dumps(statement.get("Condition", {})).lower()


def _texts(value: str | list[str]) -> list[str]:
    """A value that may be one text or a list."""
    return [value] if isinstance(value, str) else value
