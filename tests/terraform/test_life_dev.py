"""The `dev` environment made from its files as they are, planned again, and removed in one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.rendering import TFVARS, rendered
from gradectl.environment import load

ROOT = Path(__file__).resolve().parents[2]
#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait

pytestmark = pytest.mark.engine


def test_a_small_environment_is_made_and_removed_at_any_time(
    terraform_folder: Callable[..., Any], account: Any
) -> None:
    """
    With plain Terraform and no password given: a second plan changes nothing, and because nothing
    is protected, one destroy is enough.
    """
    files = rendered(ROOT, load(ROOT, "dev"))
    tfvars = files[ROOT / "environments" / "dev" / TFVARS]
    own = {"backend_override.tf": LOCAL_BACKEND, TFVARS: tfvars}
    root = terraform_folder("environments", own).within(AWS_ENDPOINT_URL=account.url)
    root.run("init", "-no-color", "-input=false")

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
