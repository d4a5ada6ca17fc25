"""Reads or generates the passwords; they are passed to Terraform in its environment only."""

from __future__ import annotations

import json
import secrets
import string
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence

from gradectl.errors import ConfigurationError
from gradectl.secrets.broker_user_plan import ROLES
from grader.contract.names import parameter_name

#: Variable of the Terraform root -> part in the name of its SSM parameter.
_VARIABLES = {
    "mq_admin_password": "mq",
    "db_admin_password": "db",
    "db_application_password": "db-app",
    "db_web_password": "db-web",
    "redis_password": "redis",
}
#: Of webhooks, which Terraform ignores when the root does not declare them -> key in SSM.
_WEBHOOK_SECRET, _WEBHOOK_HEADERS = "TF_VAR_webhook_secret", "TF_VAR_webhook_header_secrets"
_WEBHOOK_KEYS = {_WEBHOOK_SECRET: "secret", _WEBHOOK_HEADERS: "headers"}
#: Map from role to password; Terraform ignores it when the root does not declare it.
_ROLES_VARIABLE = "TF_VAR_mq_user_passwords"
#: Accepted by Amazon MQ, RDS and ElastiCache, which of all signs have only the hyphen in common.
ALPHABET = string.ascii_letters + string.digits + "-"
LENGTH = 40
_WEBHOOK_BYTES = 32
_DIFFERENT = 4  # Amazon MQ requires so many different characters


def generate(choose: Callable[[str], str]) -> str:
    """
    Generate a password.

    Args:
        choose: Picks a random character, such as `secrets.choice`.
    """
    while True:
        password = "".join(choose(ALPHABET) for _ in range(LENGTH))
        if len(set(password)) >= _DIFFERENT:
            return password


def generate_webhook_secret(choose_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """
    Generate a secret that signs webhooks, in the form of Standard Webhooks.

    Args:
        choose_bytes: Gives random bytes.
    """
    return f"whsec_{b64encode(choose_bytes(_WEBHOOK_BYTES)).decode()}"


def password_variables(
    environment_name: str,
    environ: Mapping[str, str],
    read: Callable[[Sequence[str]], dict[str, str]],
) -> dict[str, str]:
    """
    Build the TF_VAR_* variables with the passwords for Terraform.

    A password in the process environment takes precedence over the one in SSM; without both, a new
    one is generated.

    Args:
        environment_name: The environment.
        environ: The process environment.
        read: Reads those of the named SSM parameters that exist.

    Raises:
        ConfigurationError: TF_VAR_mq_user_passwords is not a JSON object of strings.
    """
    names = {
        name: parameter_name(environment_name, part, "password")
        for name, part in _VARIABLES.items()
    }
    names |= {role: parameter_name(environment_name, f"mq-{role}", "password") for role in ROLES}
    names |= {
        name: parameter_name(environment_name, "webhook", key)
        for name, key in _WEBHOOK_KEYS.items()
    }
    kept = read(list(names.values()))

    def choose(given: str | None, name: str) -> str:
        return given or kept.get(names[name]) or generate(secrets.choice)

    given = _given_to_roles(environ)
    roles = {**given, **{role: choose(given.get(role), role) for role in ROLES}}
    single = {f"TF_VAR_{name}": choose(environ.get(f"TF_VAR_{name}"), name) for name in _VARIABLES}
    return {**single, _ROLES_VARIABLE: _expression(roles), **_of_webhooks(environ, kept, names)}


def given_passwords(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return the passwords in the process environment, by the name of their variable.

    Args:
        environ: The process environment.

    Raises:
        ConfigurationError: TF_VAR_mq_user_passwords is not a JSON object of strings.
    """
    names = [*_VARIABLES, *(name.removeprefix("TF_VAR_") for name in _WEBHOOK_KEYS)]
    single = {name: environ.get(f"TF_VAR_{name}") for name in names}
    roles = {f"mq_user_passwords.{role}": value for role, value in _given_to_roles(environ).items()}
    return {name: value for name, value in {**single, **roles}.items() if value}


def _of_webhooks(
    environ: Mapping[str, str], kept: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, str]:
    """The secrets of webhooks; headers are those given or kept, and none are generated."""
    secret = environ.get(_WEBHOOK_SECRET) or kept.get(names[_WEBHOOK_SECRET])
    headers = environ.get(_WEBHOOK_HEADERS) or _escaped(kept.get(names[_WEBHOOK_HEADERS], "{}"))
    return {_WEBHOOK_SECRET: secret or generate_webhook_secret(), _WEBHOOK_HEADERS: headers}


def _expression(roles: Mapping[str, str]) -> str:
    """Format a map as an HCL expression."""
    return _escaped(json.dumps(roles, sort_keys=True))


def _escaped(document: str) -> str:
    """Make a JSON document an HCL expression: template sequences are escaped."""
    return document.replace("${", "$${").replace("%{", "%%{")


def _given_to_roles(environ: Mapping[str, str]) -> dict[str, str]:
    """Parse the passwords of roles in the environment; the error contains none of them."""
    try:
        given = json.loads(environ.get(_ROLES_VARIABLE) or "{}")
    except ValueError:
        given = None
    if isinstance(given, dict) and all(isinstance(value, str) for value in given.values()):
        return given
    raise ConfigurationError(
        "the value is not a JSON object of passwords by role",
        where=_ROLES_VARIABLE,
        next_step='set it as {"worker": "..."}; roles that are not in it keep their passwords',
    ) from None
