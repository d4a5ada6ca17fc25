"""
Finds secrets that a plan has in clear text, or that Terraform would store in its state.

The plan is masked: values that Terraform knows to be sensitive cannot be read here. What remains
readable is what a reviewer, a log and the terminal would show. No message contains a value.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from typing import Any

from gradectl.planning.masking import Sensitive
from gradectl.planning.plan import Plan, Resource

#: A name that ends like this is one of a secret.
_NAME = re.compile(
    r"(^|[_\-./ ])(password|passwd|passphrase|secret|secret_?key|token|api_?key|private_?key"
    r"|access_?key|credentials?)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: Values that are the address of a secret, and not the secret: an SSM name, an ARN, a reference.
_ADDRESS = re.compile(r"^(/[\w./-]+|arn:[\w-]+:[\w-]+:.*|\$\{.*\}|resolve:ssm:.*)$")
#: Formats that are secrets under any name.
_FORMATS = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@$]+@"),
    "a token of GitHub": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"),
}
#: Type and attribute that Terraform stores in its state -> the argument that it does not store.
_STORED = {
    ("aws_db_instance", "password"): "password_wo",
    ("aws_rds_cluster", "master_password"): "master_password_wo",
    ("aws_secretsmanager_secret_version", "secret_string"): "secret_string_wo",
}
_TEXTS_IN_TEXTS = ("container_definitions", "policy", "user_data", "user_data_base64")


def plain_secrets(plan: Plan) -> Iterator[tuple[str, str]]:
    """
    Find secrets in the planned values of all resources and in the outputs.

    Args:
        plan: The plan, with sensitive values masked.

    Yields:
        Address and problem, without the value.
    """
    for resource in plan.resources:
        if isinstance(resource.after, Mapping):
            problems = [*_in_value(resource.after, ""), *_in_state(resource)]
            for problem in dict.fromkeys(problems):
                yield resource.address, problem
    for name, value in sorted(plan.planned_outputs.items()):
        for problem in dict.fromkeys(_in_value({name: value}, "")):
            yield f"output {name}", problem


def _in_value(value: object, path: str) -> Iterator[str]:
    """Problems of a value and of all values within it."""
    if isinstance(value, Mapping):
        yield from _in_named_value(value, path)
        for key, item in value.items():
            where = f"{path}.{key}" if path else str(key)
            if _is_secret(str(key), item):
                yield f"{where} is in clear text"
            yield from _in_value(_opened(str(key), item), where)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _in_value(item, f"{path}[{number}]")
    elif isinstance(value, str):
        for what, pattern in _FORMATS.items():
            if pattern.search(value):
                yield f"{path} contains {what}"


def _in_named_value(value: Mapping[str, Any], path: str) -> Iterator[str]:
    """A pair of name and value, such as a variable of a container or an SSM parameter."""
    name = value.get("name")
    if isinstance(name, str) and _is_secret(name, value.get("value")):
        yield f"{path}.value of {name} is in clear text" if path else f"{name} is in clear text"


def _in_state(resource: Resource) -> Iterator[str]:
    """Sensitive values that this apply would write into the state."""
    for (kind, attribute), instead in _STORED.items():
        if resource.kind == kind and _written(resource, attribute):
            yield f"{attribute} is stored in the state in clear text: use {instead}"
    if resource.kind == "aws_ssm_parameter" and resource.after.get("type") == "SecureString":
        for attribute in ("value", "insecure_value"):
            if _written(resource, attribute):
                yield f"{attribute} is stored in the state in clear text: use value_wo"
    if resource.kind == "aws_elasticache_replication_group" and _given_token(resource):
        text = "auth_token is stored in the state in clear text"
        yield f"{text}: use uuid() with ignore_changes, gradectl sets the real one"
    if resource.kind == "aws_mq_broker" and resource.before is None and _given_passwords(resource):
        text = "the password of a user is stored in the state in clear text"
        yield f"{text}: use uuid() with ignore_changes, gradectl sets the real one"


def _given_passwords(broker: Resource) -> bool:
    """Whether a new broker gets a password from the files; uuid() is known only after the apply."""
    if not broker.after.get("user"):
        return False
    marks = broker.unknown.get("user") if isinstance(broker.unknown, Mapping) else None
    if marks is True:
        return False
    return not marks or any(mark.get("password") is not True for mark in marks)


def _given_token(group: Resource) -> bool:
    """Whether Redis gets a token from the files; the one of its creation stays in the state."""
    before = group.before.get("auth_token") if isinstance(group.before, Mapping) else None
    after = group.after.get("auth_token")
    is_kept = after.equals(before) if isinstance(after, Sensitive) else after == before
    return not is_kept and _written(group, "auth_token")


def _written(resource: Resource, attribute: str) -> bool:
    """Whether an attribute has a known value that this apply changes or keeps."""
    value = resource.after.get(attribute)
    return isinstance(value, Sensitive) or bool(isinstance(value, str) and value)


def _is_secret(name: str, value: object) -> bool:
    """Whether a readable value is a secret by its name."""
    if not isinstance(value, str) or not value or _ADDRESS.match(value):
        return False
    return bool(_NAME.search(_CAMEL.sub("_", name)))


def _opened(name: str, value: object) -> object:
    """Parse a JSON document or decode base64 within a text; anything else stays as it is."""
    if name not in _TEXTS_IN_TEXTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        pass
    try:
        return b64decode(value, validate=True).decode()
    except (Base64Error, ValueError):
        return value
