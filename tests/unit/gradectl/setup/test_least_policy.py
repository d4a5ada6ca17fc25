"""The least policies: no wildcards beyond reads, no way to more rights, small enough for IAM."""

from __future__ import annotations

from typing import Any

import pytest

from gradectl.setup.least_policy import (
    MAX_CHARACTERS,
    PolicyScope,
    apply_policies,
    plan_policy,
    size,
)

LONGEST = PolicyScope("e" * 20, "123456789012", "ap-southeast-3", "s" * 63, "f" * 63, "r" * 40)
SCOPE = PolicyScope("dev", "123456789012", "eu-west-1", "state", "files", "dev-grading-worker")
STATEMENTS = [each for policy in apply_policies(SCOPE) for each in policy["Statement"]]


def test_each_policy_fits_into_a_managed_policy() -> None:
    """Also with long names; both together fit into the inline policies of a role."""
    sizes = [size(policy) for policy in apply_policies(LONGEST)]

    assert max(sizes) <= MAX_CHARACTERS
    assert sum(sizes) <= 10_240


def test_wildcards_in_actions_only_read() -> None:
    """No `*`, no `service:*`."""
    wild = {each for one in STATEMENTS for each in one["Action"] if "*" in each}

    assert all(each.partition(":")[2] in {"Describe*", "List*"} for each in wild), wild


@pytest.mark.parametrize(
    "statement",
    [one for one in STATEMENTS if one["Resource"] == ["*"]],
    ids=lambda one: str(one["Sid"]),
)
def test_a_change_of_any_resource_is_bound_by_a_condition(statement: dict[str, Any]) -> None:
    """To the region, or to services that may get a linked role."""
    assert "Condition" in statement or statement["Sid"] == "Read"


def test_only_roles_of_the_environment_change_and_only_its_services_get_them() -> None:
    """The role of the pipeline is not among them, so it cannot give itself more rights."""
    roles = [one for one in STATEMENTS if any(each.startswith("iam:") for each in one["Action"])]
    named = {each for one in roles for each in one["Resource"] if one["Action"] != ["iam:GetRole"]}
    named.discard("*")
    (passing,) = [one for one in roles if "iam:PassRole" in one["Action"]]

    assert named == {"arn:aws:iam::123456789012:role/dev-grading-*"}
    assert "iam:PassedToService" in passing["Condition"]["StringEquals"]
    assert not "dev-gradectl-ci".startswith("dev-grading-")
    assert not [each for one in roles for each in one["Action"] if "AttachRolePolicy" in each]


def test_a_plan_reads_and_locks() -> None:
    """Pull requests run before their review, so nothing of the account changes."""
    policy = plan_policy(SCOPE)
    reading = ("Describe", "Get", "List")
    changing = {
        (each, *one["Resource"])
        for one in policy["Statement"]
        for each in one["Action"]
        if not each.partition(":")[2].startswith(reading)
    }

    assert changing == {
        ("s3:DeleteObject", "arn:aws:s3:::state/*.tflock"),
        ("s3:PutObject", "arn:aws:s3:::state/*.tflock"),
    }
    assert size(plan_policy(LONGEST)) <= MAX_CHARACTERS
    assert not [one for one in policy["Statement"] if one["Sid"] == "Files"]
