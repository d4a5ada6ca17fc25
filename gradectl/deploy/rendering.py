"""From environment.yaml to the files that Terraform reads; they are committed beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gradectl.adapters.templates import fill_in
from gradectl.environment import FILE, FOLDER, Environment, near
from gradectl.errors import ConfigurationError

TFVARS = "terraform.tfvars"
BACKEND = "backend.hcl"
BOOTSTRAP = "bootstrap.yaml.j2"

#: Variables that come from a key of environment.yaml, and the key.
_FROM_KEYS = {
    "aws_account_id": "account_id",
    "aws_region": "region",
    "emulated": "emulated",
    "environment_name": "name",
}
#: Secrets never come from a file that is committed.
_SECRET = (
    "db_admin_password",
    "db_application_password",
    "mq_admin_password",
    "mq_user_passwords",
)
_DECLARATION = re.compile(r'^variable\s+"([^"]+)"', re.MULTILINE)


def rendered(project_root: Path, environment: Environment) -> dict[Path, str]:
    """
    Work out the files of an environment.

    Returns:
        Path to content; nothing is written.

    Raises:
        ConfigurationError: A variable does not exist, or must not be set there.
    """
    directory = project_root / FOLDER / environment.name
    variables = _variables(project_root, environment)
    width = max(map(len, variables))
    tfvars = {"name": environment.name, "variables": variables, "width": width}
    backend = {
        "name": environment.name,
        "bucket": environment.state_bucket,
        "region": environment.region,
        "emulated": environment.emulated,
    }
    return {
        directory / TFVARS: fill_in(project_root, "terraform.tfvars.j2", tfvars),
        directory / BACKEND: fill_in(project_root, "backend.hcl.j2", backend),
    }


def bootstrap_template(project_root: Path, environment: Environment) -> str:
    """Fill in the stack that must exist before Terraform."""
    values = {
        "name": environment.name,
        "bucket": environment.state_bucket,
        "repository": f"{environment.name}-grading-worker",
    }
    return fill_in(project_root, BOOTSTRAP, values)


def outdated(files: dict[Path, str]) -> list[Path]:
    """List the files whose content on disk is another one."""
    return [
        path
        for path, content in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]


def check_fresh(project_root: Path, environment: Environment) -> None:
    """
    Make sure that Terraform will read what environment.yaml says.

    Raises:
        ConfigurationError: It was changed and not rendered.
    """
    stale = outdated(rendered(project_root, environment))
    if stale:
        raise ConfigurationError(
            f"not what {FILE} says",
            where=", ".join(str(path.relative_to(project_root)) for path in stale),
            next_step=f"gradectl render {environment.name}",
        )


def declared_variables(project_root: Path) -> list[str]:
    """Name the variables of the Terraform root, sorted."""
    texts = [path.read_text(encoding="utf-8") for path in (project_root / FOLDER).glob("*.tf")]
    return sorted(name for text in texts for name in _DECLARATION.findall(text))


def _variables(project_root: Path, environment: Environment) -> dict[str, Any]:
    """Put the variables together, sorted, and refuse those that cannot be right."""
    where = f"{FOLDER}/{environment.name}/{FILE}"
    declared = declared_variables(project_root)
    if not declared:
        text = f"no variables are declared in {FOLDER}/*.tf"
        raise ConfigurationError(text, where=FOLDER, next_step="run it in the project's folder")
    for name in environment.variables:
        problem, next_step = _problem(name, declared)
        if problem:
            raise ConfigurationError(problem, where=f"{where}: variables", next_step=next_step)
    values = {
        **environment.variables,
        **{name: getattr(environment, key) for name, key in _FROM_KEYS.items() if name in declared},
    }
    return dict(sorted(values.items()))


def _problem(name: str, declared: list[str]) -> tuple[str, str]:
    """Say what is wrong with a variable of this name, and what to do; nothing when it is right."""
    if name in _FROM_KEYS:
        return f"{name!r} comes from the key {_FROM_KEYS[name]!r}", "remove it from variables"
    if name in _SECRET:
        next_step = f"remove it; to choose it yourself, set TF_VAR_{name} when you run apply"
        return f"{name!r} is a secret, and this file is committed", next_step
    if name not in declared:
        settable = [item for item in declared if item not in (*_FROM_KEYS, *_SECRET)]
        return f"unknown variable {name!r}", near(name, settable) or f"see {FOLDER}/variables*.tf"
    return "", ""
