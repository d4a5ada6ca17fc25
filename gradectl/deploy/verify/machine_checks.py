"""Checks of this machine and of the project's files; they need no account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradectl.adapters.terraform.locate import locate
from gradectl.deploy.rendering import outdated, rendered
from gradectl.deploy.verify.results import CheckResult, failed, not_applicable, ok, warning
from gradectl.deploy.verify.root_values import RootValues
from gradectl.environment import FOLDER, Environment
from gradectl.processes.find import find_program

_LOCK_FILE = ".terraform.lock.hcl"
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_PLUGIN = "session-manager-plugin"
_PLUGIN_PAGE = "install the Session Manager plugin of the AWS CLI"


def terraform(environ: Mapping[str, str]) -> CheckResult:
    """
    Whether a recent enough Terraform is installed.

    Raises:
        ConfigurationError: None is.
    """
    binary = locate(environ)
    return ok("terraform", f"{binary.version}, {' '.join(binary.command)}")


def provider_lock(project_root: Path) -> CheckResult:
    """Whether the lock file fixes the version of the AWS provider."""
    check, path = "provider lock", project_root / FOLDER / _LOCK_FILE
    step = f"terraform -chdir={FOLDER} providers lock, and commit {FOLDER}/{_LOCK_FILE}"
    if not path.is_file():
        return warning(check, f"{FOLDER}/{_LOCK_FILE} does not exist: any version is used", step)
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks = [at for at, line in enumerate(lines) if _PROVIDER in line]
    if not blocks:
        return warning(check, f"{FOLDER}/{_LOCK_FILE} does not name the AWS provider", step)
    versions = (line for line in lines[blocks[0] :] if line.split("=")[0].strip() == "version")
    version = next(versions, '"unknown"').split('"')[1]
    return ok(check, f"hashicorp/aws {version}")


def session_plugin(values: RootValues, environ: Mapping[str, str]) -> CheckResult:
    """Whether the plugin for shells in workers is installed, where they are enabled."""
    if not values["enable_ecs_exec"]:
        return not_applicable(_PLUGIN, "enable_ecs_exec is false")
    path = find_program(_PLUGIN, environ)
    if path:
        return ok(_PLUGIN, path)
    return warning(_PLUGIN, "not installed, so no shell in a worker can be opened", _PLUGIN_PAGE)


def rendered_files(project_root: Path, environment: Environment) -> CheckResult:
    """
    Whether the rendered files match environment.yaml.

    Raises:
        ConfigurationError: environment.yaml has an invalid variable.
    """
    files = rendered(project_root, environment)
    stale = [str(path.relative_to(project_root)) for path in outdated(files)]
    if stale:
        step = f"gradectl render {environment.name}"
        return failed("rendered files", f"out of date: {', '.join(stale)}", step)
    return ok("rendered files", f"{len(files)} up to date")
