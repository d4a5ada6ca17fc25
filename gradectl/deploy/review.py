"""Plans on the terminal, in files for review, and on the summary page of a pipeline."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradectl.context import AppContext
from gradectl.deploy import plan_report
from gradectl.deploy.masking import fingerprint
from gradectl.deploy.plan import Plan, differences, normalised, read
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.ui import SCHEMA_VERSION, Table

_REVIEWED = "reviewed-plan"


def deployment_id(environment: Environment) -> dict[str, str]:
    """Say which deployment a document is about."""
    return {
        "environment": environment.name,
        "account_id": environment.account_id,
        "region": environment.region,
    }


def table(plan: Plan) -> Table:
    """Lay a plan out for people, without columns that say nothing of any row."""
    rows = plan_report.rows(plan)
    kept = [at for at in range(len(plan_report.COLUMNS)) if any(row[at] for row in rows)]
    columns = [plan_report.COLUMNS[at] for at in kept]
    return Table(columns, [[row[at] for at in kept] for row in rows], title=plan.headline)


def summarise(app: AppContext, title: str, environment: Environment, plan: Plan) -> None:
    """Add to the summary page of the pipeline, where there is one."""
    path = app.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(plan_report.markdown(title, deployment_id(environment), plan))


def write_reviewed(path: Path, environment: Environment, plan: Mapping[str, Any]) -> None:
    """
    Write a plan for `apply --reviewed`, with fingerprints in place of secrets.

    Args:
        path: The file; only its owner may read it.
        environment: The environment.
        plan: Terraform's JSON of the plan.
    """
    salt = secrets.token_hex(16)
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": _REVIEWED,
        "salt": salt,
        **deployment_id(environment),
        **normalised(read(plan, fingerprint(salt))),
    }
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def check_reviewed(path: Path, environment: Environment, plan: Mapping[str, Any]) -> None:
    """
    Hold a fresh plan against the one that was reviewed.

    Args:
        path: What `write_reviewed` wrote.
        environment: The environment.
        plan: Terraform's JSON of the fresh plan.

    Raises:
        ConfigurationError: The file is no reviewed plan.
        RefusedError: The plans differ, or it was made for another deployment.
    """
    reviewed = _read(path)
    again = f"gradectl plan {environment.name} --out {path}, and review it again"
    if {key: reviewed.get(key) for key in deployment_id(environment)} != deployment_id(environment):
        text = "this plan was made for another environment, account or region"
        raise RefusedError(text, where=str(path), next_step=again)
    fresh = normalised(read(plan, fingerprint(str(reviewed.get("salt")))))
    different = differences(reviewed, json.loads(json.dumps(fresh)))
    if different:
        text = "what would happen now is not what was reviewed:\n" + "\n".join(different)
        raise RefusedError(text, where=str(path), next_step=again)


def _read(path: Path) -> Mapping[str, Any]:
    """Read the file of a reviewed plan."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(str(error), where=str(path)) from error
    if not isinstance(document, dict) or document.get("kind") != _REVIEWED:
        text = "not a plan that `gradectl plan --out` wrote"
        raise ConfigurationError(text, where=str(path))
    return document
