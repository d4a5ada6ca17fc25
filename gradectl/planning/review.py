"""Shows plans on the terminal and in job summaries, and writes and checks reviewed plans."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from gradectl.context import AppContext
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, GradectlError, RefusedError
from gradectl.files import replacing
from gradectl.planning import plan_report
from gradectl.planning.masking import Sensitive
from gradectl.planning.plan import Plan, differences, normalised
from gradectl.ui import SCHEMA_VERSION, Table

_KIND = "reviewed-plan"
_NEXT = "write one with: gradectl plan ENVIRONMENT --out FILE"


def deployment_id(environment: Environment) -> dict[str, str]:
    """The fields that identify a deployment in documents."""
    return {
        "environment": environment.name,
        "account_id": environment.account_id,
        "region": environment.region,
    }


def table(plan: Plan) -> Table:
    """The table of a plan, without empty columns."""
    rows = plan_report.rows(plan)
    kept = [at for at in range(len(plan_report.COLUMNS)) if any(row[at] for row in rows)]
    columns = [plan_report.COLUMNS[at] for at in kept]
    return Table(columns, [[row[at] for at in kept] for row in rows], title=plan.headline)


def summarise(
    app: AppContext, title: str, environment: Environment, plan: Plan, more: str = ""
) -> None:
    """
    Append a plan to the job summary of GitHub Actions, where there is one.

    Args:
        app: Context of the command.
        title: Heading of the section.
        environment: The environment.
        plan: The plan.
        more: Markdown below the plan.
    """
    append_summary(app, plan_report.markdown(title, deployment_id(environment), plan) + more)


def append_summary(app: AppContext, markdown: str) -> None:
    """Append a section to the job summary of GitHub Actions, where there is one."""
    path = app.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(markdown)


def write_reviewed(
    path: Path, environment: Environment, plan: Plan, passwords: Mapping[str, str]
) -> None:
    """
    Write a plan for `apply --reviewed`, with fingerprints instead of secrets.

    Args:
        path: The file, replaced as a whole; only its owner may read it.
        environment: The environment.
        plan: The plan.
        passwords: The passwords that were given for it, by name.

    Raises:
        GradectlError: It cannot be written; an old file is unchanged.
    """
    salt = secrets.token_hex(16)
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": _KIND,
        "salt": salt,
        **deployment_id(environment),
        "passwords": _fingerprints(plan, passwords, salt),
        **normalised(plan, salt),
    }
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    try:
        with replacing(path.resolve()) as file:
            file.write(text.encode())
    except OSError as error:
        what = f"the reviewed plan cannot be written: {error.strerror or error}"
        hint = "name a file in a folder that exists and is writable, and check the free space"
        raise GradectlError(what, where=str(path), next_step=hint) from error


def check_reviewed(
    path: Path, environment: Environment, plan: Plan, passwords: Mapping[str, str]
) -> None:
    """
    Compare a new plan, and the passwords that it would write, with the reviewed one.

    Args:
        path: The file from `write_reviewed`.
        environment: The environment.
        plan: The new plan.
        passwords: The passwords that were given for it, by name.

    Raises:
        ConfigurationError: The file is not a reviewed plan.
        RefusedError: The plans differ, or the file is for another deployment.
    """
    reviewed = read_reviewed(path)
    again = f"gradectl plan {environment.name} --out {path}, and review it again"
    if {key: reviewed.get(key) for key in deployment_id(environment)} != deployment_id(environment):
        text = "this plan is for another environment, account or region"
        raise RefusedError(text, where=str(path), next_step=again)
    fresh = normalised(plan, str(reviewed.get("salt")))
    different = differences(reviewed, json.loads(json.dumps(fresh)))
    if different:
        text = "the plan differs from the reviewed one in:\n" + "\n".join(different)
        raise RefusedError(text, where=str(path), next_step=again)
    _check_passwords(path, reviewed, _fingerprints(plan, passwords, str(reviewed.get("salt"))))


def _fingerprints(plan: Plan, passwords: Mapping[str, str], salt: str) -> dict[str, str]:
    """
    Fingerprints of the given passwords; none where the plan writes no password.

    The salt has the name: each password has to be guessed alone, and equal ones are not seen.
    """
    if not plan.secret_writers:
        return {}
    return {
        name: Sensitive(value).fingerprint(f"{salt} {name}")
        for name, value in sorted(passwords.items())
    }


def _check_passwords(path: Path, reviewed: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Refuse to write other passwords than those of the review: the plan does not have them."""
    recorded = reviewed.get("passwords")
    before = recorded if isinstance(recorded, Mapping) else {}
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if names:
        text = (
            f"the plan writes passwords, and was reviewed with other values of {', '.join(names)}"
        )
        next_step = "set the same TF_VAR_ variables as for the plan, or plan and review again"
        raise RefusedError(text, where=str(path), next_step=next_step)


def read_reviewed(path: Path) -> Mapping[str, Any]:
    """
    Read the file of a reviewed plan.

    Raises:
        ConfigurationError: The file is not a reviewed plan.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if path.is_file() and is_zipfile(path):
            text = "a plan file of Terraform has secrets in clear text, but no ephemeral passwords"
            raise ConfigurationError(text, where=str(path), next_step=_NEXT) from error
        raise ConfigurationError(
            f"cannot read the reviewed plan: {error}", where=str(path), next_step=_NEXT
        ) from error
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        text = "this file is not a reviewed plan"
        raise ConfigurationError(text, where=str(path), next_step=_NEXT)
    return document
