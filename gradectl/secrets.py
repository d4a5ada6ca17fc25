"""The two passwords: read where they are kept, or made. They travel by environment only."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from gradectl.core.passwords import generate
from grader.contract.names import parameter_name

#: Variable of the Terraform root -> part of the SSM parameter that keeps it.
_VARIABLES = {"mq_admin_password": "mq", "db_admin_password": "db"}


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
    """
    names = {
        name: parameter_name(environment_name, part, "password")
        for name, part in _VARIABLES.items()
    }
    kept = read(list(names.values()))
    return {
        f"TF_VAR_{name}": environ.get(f"TF_VAR_{name}")
        or kept.get(parameter)
        or generate(secrets.choice)
        for name, parameter in names.items()
    }
