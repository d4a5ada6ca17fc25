"""The SSM parameters that an environment needs, and which values a secret may have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from gradectl.adapters.aws.models import ParameterInfo
from gradectl.errors import ConfigurationError, UsageError
from gradectl.secrets.broker_user_plan import ROLES
from grader.contract.names import parameter_name

_SECRET = "password"  # noqa: S105 - the key of a parameter
_KEYS = {
    "mq": ("broker-endpoint", "username", _SECRET),
    "db": ("endpoint", "name", "username", _SECRET),
    "db-app": ("username", _SECRET),
    "db-web": ("username", _SECRET),
    "redis": ("url", _SECRET),
    "webhook": ("secret", "headers"),
    **{f"mq-{role}": ("username", _SECRET) for role in ROLES},
}


@dataclass(frozen=True)
class NeededParameter:
    """
    A parameter that an environment needs.

    Attributes:
        name: Its full name, `/<environment>/<part>/<key>`.
        part: The part it belongs to, such as `mq-worker`.
        key: Its key, such as `password`.
    """

    name: str
    part: str
    key: str

    @property
    def secret(self) -> bool:
        """Whether it has to be a SecureString."""
        return self.key in (_SECRET, *_KEYS["webhook"])

    @property
    def short_name(self) -> str:
        """The name without the environment, such as `mq-worker/password`."""
        return f"{self.part}/{self.key}"


@dataclass(frozen=True)
class ParameterState:
    """
    A needed parameter, compared with Parameter Store.

    Attributes:
        needed: What the environment needs.
        found: What exists; None when it is missing.
    """

    needed: NeededParameter
    found: ParameterInfo | None

    @property
    def problem(self) -> str:
        """Why the parameter cannot be used; "" when it can."""
        if self.found is None:
            return "missing"
        if self.needed.secret and not self.found.encrypted:
            return f"is a {self.found.kind}, not a SecureString: anyone who lists it can read it"
        return ""


def needed_parameters(
    environment_name: str, variables: Mapping[str, Any]
) -> tuple[NeededParameter, ...]:
    """
    List the parameters that an environment needs.

    Args:
        environment_name: The environment.
        variables: Its variables of the Terraform root, which say whether there is a broker,
            whether that has a user for each role, and whether there are an API, a Redis of its own
            and webhooks.
    """
    roles = variables.get("mq_enable_role_users", True) and not variables.get("mq_existing")
    parts = [part for part in _KEYS if roles or part.removeprefix("mq-") not in ROLES]
    has = {
        "db-web": variables.get("enable_api"),
        "redis": variables.get("enable_redis") and not variables.get("redis_existing"),
        "webhook": variables.get("enable_webhooks"),
    }
    parts = [part for part in parts if has.get(part, True)]
    if not has_broker(variables):
        parts = [part for part in parts if part.partition("-")[0] != "mq"]
    return tuple(
        NeededParameter(parameter_name(environment_name, part, key), part, key)
        for part in parts
        for key in _KEYS[part]
    )


def has_broker(variables: Mapping[str, Any]) -> bool:
    """Whether an environment with these variables has a broker, active or being drained."""
    return not variables.get("use_sqs_queue") or bool(variables.get("drain_other_transport"))


def find_secret(needed: Iterable[NeededParameter], word: str) -> NeededParameter:
    """
    Find a secret by its full name, `PART/KEY`, or `PART` alone.

    Raises:
        UsageError: There is no such secret; the error lists all of them, or says that it belongs to
            a broker, which the environment does not have.
    """
    secrets = [each for each in needed if each.secret]
    for each in secrets:
        if word in (each.name, each.short_name, each.part):
            return each
    names = [each.short_name for each in secrets]
    if _is_of_a_broker(word) and not any(_is_of_a_broker(each) for each in names):
        raise UsageError(
            f"this environment uses Amazon SQS: it has no broker, and no secret {word!r}",
            where="NAME",
            next_step=f"secrets: {', '.join(names)}",
        )
    close = get_close_matches(word, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"secrets: {', '.join(names)}"
    raise UsageError(f"unknown secret {word!r}", where="NAME", next_step=hint)


def _is_of_a_broker(word: str) -> bool:
    """Whether a word is a name of a secret that environments with a broker have."""
    parts = [part for part in _KEYS if part.partition("-")[0] == "mq"]
    found = word.removesuffix(f"/{_SECRET}").rpartition("/")[2]
    return found in parts


#: Part -> shortest and longest value, and the characters that the engine does not accept.
_BROKER_RULE = (12, 250, ",:=")
_RULES = {
    "db": (8, 41, "/\"'@\\ "),  # of RDS, and no quote that a statement would need to escape
    "db-app": (8, 128, "\"'\\ "),
    "db-web": (8, 128, "\"'\\ "),
    "redis": (16, 128, "\"'\\ %()*+,./:;=?@[]_`{|}~"),
}
_WEBHOOK_SECRETS = re.compile(
    r"whsec_[A-Za-z0-9+/]{32,86}={0,2}( whsec_[A-Za-z0-9+/]{32,86}={0,2})*"
)
_PRINTABLE = re.compile(r"[ -~]+")
_DIFFERENT = 4  # Amazon MQ requires so many different characters


def check_value(needed: NeededParameter, value: str) -> None:
    """
    Check that the engine accepts a value as a password.

    Raises:
        ConfigurationError: It does not; the error does not contain the value.
    """
    if needed.part == "webhook":
        _check_webhook(needed, value)
        return
    shortest, longest, rejected = _RULES.get(needed.part, _BROKER_RULE)
    characters = " ".join("space" if char == " " else char for char in rejected)
    rules = f"{shortest} to {longest} printable ASCII characters, none of: {characters}"
    good = (
        shortest <= len(value) <= longest
        and _PRINTABLE.fullmatch(value)
        and not set(value) & set(rejected)
        and len(set(value)) >= _DIFFERENT
    )
    if not good:
        raise ConfigurationError(
            f"the value is not a valid password: use {rules}, and at least {_DIFFERENT} different",
            where=needed.name,
            next_step="choose another value, or let gradectl generate one: --generate",
        )


def _check_webhook(needed: NeededParameter, value: str) -> None:
    """Check the secrets that sign webhooks, or the headers that receivers want."""
    if needed.key == "secret":
        good = _WEBHOOK_SECRETS.fullmatch(value) is not None
        form = "one or more of whsec_ and base64 of 24 to 64 bytes, separated by spaces"
    else:
        good = _are_headers(value)
        form = 'a JSON object of headers by host: {"host": {"Header": "value"}}'
    if not good:
        raise ConfigurationError(
            f"the value is not {form}",
            where=needed.name,
            next_step="pass it with --stdin or --file, in this form",
        )


def _are_headers(value: str) -> bool:
    """Whether a text is a JSON object of headers by host."""
    try:
        found = json.loads(value)
    except ValueError:
        return False
    return isinstance(found, dict) and all(
        isinstance(headers, dict) and all(isinstance(each, str) for each in headers.values())
        for headers in found.values()
    )
