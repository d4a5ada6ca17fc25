"""The `dev` environment from its files as they are: applied, planned again, destroyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradectl.deploy.rendering import TFVARS, rendered
from gradectl.environment import load

ROOT = Path(__file__).resolve().parents[3]
#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with the files of `dev`, for plain Terraform without any password."""
    files = rendered(ROOT, load(ROOT, "dev"))
    tfvars = files[ROOT / "environments" / "dev" / TFVARS]
    own = {"backend_override.tf": LOCAL_BACKEND, TFVARS: tfvars}
    root = terraform_folder("environments", own).within(AWS_ENDPOINT_URL=account.url)
    root.run("init", "-no-color", "-input=false")
    return root


def live(root: Any, account: Any) -> None:
    """
    Apply, plan and destroy.

    A second plan changes nothing, and because nothing is protected, one destroy is enough.
    """
    root.run("apply", "-no-color", "-auto-approve", "-var=emulated=true", WAITS_AT_ONCE)
    again = root.attempt("plan", "-no-color", "-var=emulated=true", "-detailed-exitcode")
    made = root.run("state", "list").split()
    root.run("destroy", "-no-color", "-auto-approve", "-var=emulated=true", WAITS_AT_ONCE)

    assert again.returncode == 0, again.stdout + again.stderr
    assert not [address for address in made if ".module.web" in address or "nat" in address]
    assert root.run("state", "list").strip() == ""
    assert account.client("mq").list_brokers()["BrokerSummaries"] == []
    assert account.client("rds").describe_db_instances()["DBInstances"] == []
    assert account.client("s3").list_buckets()["Buckets"] == []
