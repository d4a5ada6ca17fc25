"""The passwords: read where they are kept, or made. They travel by environment only."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Mapping, Sequence

from gradectl.deploy.broker_user_plan import ROLES
from gradectl.errors import ConfigurationError
from grader.contract.names import parameter_name

#: Variable of the Terraform root -> part of the SSM parameter that keeps it.
_VARIABLES = {
    "mq_admin_password": "mq",
    "db_admin_password": "db",
    "db_application_password": "db-app",
}
#: A map from role to password; a root that does not know it takes no notice.
_ROLES_VARIABLE = "TF_VAR_mq_user_passwords"
#: Both services accept it: no comma, colon, equals sign, slash, quote, at sign or space.
ALPHABET = string.ascii_letters + string.digits + "-_.~"
LENGTH = 40
_DIFFERENT = 4  # Amazon MQ wants this many different characters


def generate(choose: Callable[[str], str]) -> str:
    """
    Make a password.

    Args:
        choose: Picks one character at random, such as `secrets.choice`.
    """
    while True:
        password = "".join(choose(ALPHABET) for _ in range(LENGTH))
        if len(set(password)) >= _DIFFERENT:
            return password


def password_variables(
    environment_name: str,
    environ: Mapping[str, str],
    read: Callable[[Sequence[str]], dict[str, str]],
) -> dict[str, str]:
    """
    Make the TF_VAR_* variables that carry the passwords to Terraform.

    One that the caller set in the environment wins, then the one that is kept, then a new one.

    Args:
        environment_name: The environment.
        environ: The process environment.
        read: Gives those of the named SSM parameters that exist.

    Raises:
        ConfigurationError: The caller's passwords of the broker's users are no JSON object.
    """
    names = {
        name: parameter_name(environment_name, part, "password")
        for name, part in _VARIABLES.items()
    }
    names |= {role: parameter_name(environment_name, f"mq-{role}", "password") for role in ROLES}
    kept = read(list(names.values()))

    def choose(given: str | None, name: str) -> str:
        return given or kept.get(names[name]) or generate(secrets.choice)

    given = _given_to_roles(environ)
    roles = {**given, **{role: choose(given.get(role), role) for role in ROLES}}
    single = {f"TF_VAR_{name}": choose(environ.get(f"TF_VAR_{name}"), name) for name in _VARIABLES}
    return {**single, _ROLES_VARIABLE: _expression(roles)}


def _expression(roles: Mapping[str, str]) -> str:
    """Write a map as Terraform reads it: JSON, in which a dollar and a brace would begin code."""
    return json.dumps(roles, sort_keys=True).replace("${", "$${").replace("%{", "%%{")


def _given_to_roles(environ: Mapping[str, str]) -> dict[str, str]:
    """Read what the caller wants roles to have; the error shows nothing of it."""
    try:
        given = json.loads(environ.get(_ROLES_VARIABLE) or "{}")
    except ValueError:
        given = None
    if isinstance(given, dict) and all(isinstance(value, str) for value in given.values()):
        return given
    raise ConfigurationError(
        "it is no JSON object of passwords by role",
        where=_ROLES_VARIABLE,
        next_step='write it as {"worker": "..."}; roles that it leaves out keep their passwords',
    ) from None
