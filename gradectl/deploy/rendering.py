"""Renders the files for Terraform from environment.yaml; they are committed next to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gradectl.adapters.templates import render_template
from gradectl.deploy.release import IMAGE_VARIABLE, RELEASE, read_release
from gradectl.environment import FILE, FOLDER, Environment, near
from gradectl.errors import ConfigurationError

TFVARS = "terraform.tfvars"
BACKEND = "backend.hcl"
BOOTSTRAP = "bootstrap.yaml.j2"

#: Terraform variable -> key of environment.yaml that sets it.
_FROM_KEYS = {
    "aws_account_id": "account_id",
    "aws_region": "region",
    "emulated": "emulated",
    "environment_name": "name",
}
#: Variables that must not be in committed files.
_SECRET = (
    "db_admin_password",
    "db_application_password",
    "db_web_password",
    "mq_admin_password",
    "mq_user_passwords",
    "redis_password",
    "webhook_header_secrets",
    "webhook_secret",
)
_DESCRIPTION = re.compile(
    r'^variable\s+"([^"]+)"\s*\{\s*description\s*=\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE
)
_DECLARATION = re.compile(r'^variable\s+"([^"]+)"', re.MULTILINE)


def rendered(project_root: Path, environment: Environment) -> dict[Path, str]:
    """
    Render the files of an environment without writing them.

    Returns:
        Path to content.

    Raises:
        ConfigurationError: A variable does not exist, or must not be set in the file.
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
        directory / TFVARS: render_template(project_root, "terraform.tfvars.j2", tfvars),
        directory / BACKEND: render_template(project_root, "backend.hcl.j2", backend),
    }


def bootstrap_template(project_root: Path, environment: Environment) -> str:
    """Render the CloudFormation template with the resources that Terraform itself needs."""
    values = {
        "name": environment.name,
        "bucket": environment.state_bucket,
        "repository": environment.image_repository,
    }
    return render_template(project_root, BOOTSTRAP, values)


def outdated(files: dict[Path, str]) -> list[Path]:
    """List the files whose content on disk differs."""
    return [
        path
        for path, content in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]


def check_fresh(project_root: Path, environment: Environment) -> None:
    """
    Check that the rendered files match environment.yaml and release.json.

    Raises:
        ConfigurationError: A file is missing or outdated, or the image does not fit.
    """
    stale = outdated(rendered(project_root, environment))
    if stale:
        raise ConfigurationError(
            f"out of date: {FILE} or {RELEASE} has changed since the last render",
            where=", ".join(str(path.relative_to(project_root)) for path in stale),
            next_step=f"gradectl render {environment.name}",
        )


def declared_variables(project_root: Path) -> list[str]:
    """Names of the variables of the Terraform root, sorted."""
    texts = [path.read_text(encoding="utf-8") for path in (project_root / FOLDER).glob("*.tf")]
    return sorted(name for text in texts for name in _DECLARATION.findall(text))


def variable_descriptions(project_root: Path) -> dict[str, str]:
    """Description by variable of the Terraform root."""
    texts = [path.read_text(encoding="utf-8") for path in (project_root / FOLDER).glob("*.tf")]
    return {name: text for page in texts for name, text in _DESCRIPTION.findall(page)}


def _variables(project_root: Path, environment: Environment) -> dict[str, Any]:
    """Merge the variables, sorted, and reject invalid ones."""
    where = f"{FOLDER}/{environment.name}/{FILE}"
    declared = declared_variables(project_root)
    if not declared:
        text = f"{FOLDER}/*.tf declare no variables"
        raise ConfigurationError(
            text, where=FOLDER, next_step="run it in the project folder, or add --project DIR"
        )
    for name in environment.variables:
        problem, next_step = _problem(name, declared)
        if problem:
            raise ConfigurationError(problem, where=f"{where}: variables", next_step=next_step)
    release = read_release(project_root, environment)
    values = {
        **environment.variables,
        **({IMAGE_VARIABLE: release.image} if release and IMAGE_VARIABLE in declared else {}),
        **{name: getattr(environment, key) for name, key in _FROM_KEYS.items() if name in declared},
    }
    return dict(sorted(values.items()))


def _problem(name: str, declared: list[str]) -> tuple[str, str]:
    """Problem and next step of a variable name; empty texts for a valid one."""
    if name in _FROM_KEYS:
        return f"{name!r} is set by the key {_FROM_KEYS[name]!r}", "remove it from variables"
    if name in _SECRET:
        next_step = f"remove it; to choose the value, set TF_VAR_{name} for gradectl apply"
        return f"{name!r} is a secret, and this file is committed", next_step
    if name not in declared:
        settable = [item for item in declared if item not in (*_FROM_KEYS, *_SECRET)]
        return f"unknown variable {name!r}", near(name, settable) or f"see {FOLDER}/variables*.tf"
    return "", ""
