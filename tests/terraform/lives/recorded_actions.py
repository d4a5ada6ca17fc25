"""The IAM actions of recorded requests to the emulated account."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from botocore.session import Session

from gradectl.environment import Environment
from gradectl.setup.least_policy import apply_policies
from gradectl.setup.pipeline_role import policy_scope

_SCOPE = re.compile(r"/([a-z0-9-]+)/aws4_request")
#: Signing name -> prefix of IAM, and service of botocore, where they differ.
_PREFIX = {"monitoring": "cloudwatch"}
_MODEL = {"monitoring": "cloudwatch", "events": "events"}
#: Operation -> action of IAM, where they differ; from the service authorization reference.
_ACTIONS = {
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}


@contextmanager
def recorded_actions(url: str) -> Iterator[set[str]]:
    """Collect the actions of all requests of the block, by moto's recorder."""
    # Looking up proxies reads the whole environment, which the tests beside this thread change.
    opener = build_opener(ProxyHandler({}))

    def recorder(verb: str) -> bytes:
        method = "GET" if verb == "download" else "POST"
        request = Request(f"{url}/moto-api/recorder/{verb}-recording", method=method)
        with opener.open(request) as answer:
            return bytes(answer.read())

    found: set[str] = set()
    recorder("reset")
    recorder("start")
    try:
        yield found
    finally:
        recorder("stop")
    entries = [json.loads(line) for line in recorder("download").splitlines()]
    found |= {action_of(entry) for entry in entries} - {""}
    if any(_decrypts(entry) for entry in entries):
        found.add("kms:Decrypt")


def not_allowed(actions: set[str], environment: Environment) -> set[str]:
    """The actions that are not in the policies of a person who applies an environment."""
    allowed = {
        pattern
        for policy in apply_policies(policy_scope(environment)).values()
        for statement in policy["Statement"]
        for pattern in statement["Action"]
    }
    return {each for each in actions if not any(fnmatchcase(each, one) for one in allowed)}


def action_of(entry: dict[str, Any]) -> str:
    """The action that IAM would check; "" for a request that is not signed."""
    headers = {name.lower(): value for name, value in entry["headers"].items()}
    scope = _SCOPE.search(headers.get("authorization", ""))
    if not scope:
        return ""
    service = scope[1]
    body = base64.b64decode(entry["body"] or "").decode(errors="replace")
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    operation = target or parse_qs(body).get("Action", [""])[0]
    if not operation:
        operation = _rest_operation(service, entry["method"], entry["url"])
    action = f"{_PREFIX.get(service, service)}:{operation}"
    return _ACTIONS.get(action, action)


def _decrypts(entry: dict[str, Any]) -> bool:
    """Whether SSM decrypts a secret for a request, by the rights of whoever asks."""
    body = base64.b64decode(entry["body"] or "").decode(errors="replace")
    return '"WithDecryption":true' in body.replace(" ", "")


def _rest_operation(service: str, method: str, url: str) -> str:
    """The operation of a service whose path and query name it."""
    parts = urlsplit(url)
    query = set(parse_qs(parts.query, keep_blank_values=True))
    path = parts.path.rstrip("/") or "/"
    fitting = [
        (len(needed), name)
        for name, verb, pattern, needed in _operations(_MODEL.get(service, service))
        if verb == method and needed <= query and pattern.fullmatch(path)
    ]
    assert fitting, f"unknown request to {service}: {method} {url}"
    return max(fitting)[1]


@cache
def _operations(service: str) -> list[tuple[str, str, re.Pattern[str], frozenset[str]]]:
    """Name, method, path and query of all operations of a service."""
    model = Session().get_service_model(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        needed = frozenset(each.partition("=")[0] for each in query.split("&") if each)
        literal = re.split(r"(\{[^}]+\})", path.rstrip("/") or "/")
        pattern = "".join(
            (".+" if each.endswith("+}") else "[^/]+") if each.startswith("{") else re.escape(each)
            for each in literal
        )
        found.append((name, http["method"], re.compile(pattern), needed - {"x-id"}))
    return found
